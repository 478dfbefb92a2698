import { mkdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { startChild } from '../../support/child.ts'
import { runCommand } from '../../support/command.ts'
import { within } from '../../support/deadline.ts'
import { collectOutput } from '../../support/engine-output.ts'
import { startEngine } from '../../support/engine-process.ts'
import { eventually } from '../../support/eventually.ts'
import { host, listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { connectRaw } from '../../support/raw-client.ts'
import { commandLine } from '../../support/runtime.ts'
import { connectTls } from '../../support/tls-client.ts'
import { createWorkspace, type Workspace } from '../../support/workspace.ts'

const authority = createAuthority()
const echoOn = (port: number, name = 'edge') =>
  socketServer({ metadata: { name }, listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })] })

/** The control socket of each lies in a directory of its own: engines of other tests have the same name. */
const env = ({ path }: Workspace) => ({ env: { ...process.env, XDG_RUNTIME_DIR: path } })

/** Serves with exactly these arguments until it is disposed. */
async function serve(workspace: Workspace, args: readonly string[]) {
  const child = await startChild([...commandLine(), 'serve', ...args], env(workspace))
  const { stdout, stderr } = child.process
  if (stdout === null || stderr === null) throw new Error('the pipes are missing')
  const output = collectOutput([stdout, stderr], child.exited)
  return {
    ...output,
    stop: async (signal: NodeJS.Signals) => {
      child.process.kill(signal)
      return await within(10_000, 'the end', child.exited)
    },
    [Symbol.asyncDispose]: async () => {
      child.process.kill('SIGKILL')
      await child.exited
    },
  }
}

test('without options it takes secrets/ and configmaps/ beside the manifest and the admin address 127.0.0.1:8900, and logs JSON to a pipe', async () => {
  await using workspace = await createWorkspace()
  const { certPem, keyPem } = authority.issue({ names: ['a.test'] })
  await workspace.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  await workspace.copyConfigMap('clients-ca', { 'ca.crt': authority.cert })
  const port = await freePort()
  const caRefs = [{ kind: 'ConfigMap', name: 'clients-ca', key: 'ca.crt' }]
  await workspace.writeManifest(
    socketServer({
      listeners: [listener({ port })],
      icsHosts: [host({ clientCertificate: { method: 'Require', caRefs } })],
    }),
  )
  await using engine = await serve(workspace, ['-f', workspace.manifest])
  const started = await engine.waitForLog((line) => line.message === 'server started', 15_000).catch(() => undefined)
  if (started === undefined) {
    // Another program of this machine has that port: that is the default, too.
    expect(engine.text()).toMatch(/the admin address "127\.0\.0\.1:8900" is in use/)
    return
  }
  expect(started).toMatchObject({ admin: '127.0.0.1:8900' })
  const { certPem: cert, keyPem: key } = authority.issue({ commonName: 'alice', client: true })
  await using client = await connectTls({ port, servername: 'a.test', ca: authority.rootPem, cert, key })
  expect(await client.request('hello')).toBe('hello')
})

test('--admin none opens no admin surface, and both signals end it with 0', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    await using workspace = await createWorkspace()
    const port = await freePort()
    await workspace.writeManifest(echoOn(port))
    await using engine = await serve(workspace, ['-f', workspace.manifest, '--admin', 'none', '--log', 'json'])
    expect(await engine.waitForLog((line) => line.message === 'server started', 15_000)).toMatchObject({
      admin: 'none',
    })
    expect(await engine.stop(signal)).toEqual({ code: 0, signal: null })
  }
})

test('--secrets and --configmaps name other directories, and --log pretty is for people', async () => {
  await using workspace = await createWorkspace()
  await using elsewhere = await createWorkspace()
  const { certPem, keyPem } = authority.issue({ names: ['a.test'] })
  await elsewhere.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  const port = await freePort()
  await workspace.writeManifest(socketServer({ listeners: [listener({ port })], icsHosts: [host()] }))
  const directories = ['--secrets', elsewhere.secrets, '--configmaps', elsewhere.configMaps]
  await using engine = await serve(workspace, [
    '-f',
    workspace.manifest,
    ...directories,
    '--admin',
    'none',
    '--log',
    'pretty',
  ])
  await using client = await within(
    15_000,
    'a client',
    (async () => {
      for (;;) {
        const one = await connectTls({ port, servername: 'a.test', ca: authority.rootPem }).catch(() => undefined)
        if (one) return one
      }
    })(),
  )
  expect(await client.request('hello')).toBe('hello')
  await eventually(() => expect(engine.text()).toContain(`Socket 1 State: Listening Any on 127.0.0.1 port ${port} SSL`))
  expect(engine.text()).toMatch(/^Host a: a\.test on tls: Echo, level High, certificate OK$/m)
})

test('--name picks one of several SocketServers, and only that one is served', async () => {
  const [one, two] = [await freePort(), await freePort()]
  const manifest = [echoOn(one, 'one'), echoOn(two, 'two')].map((part) => JSON.stringify(part)).join('\n---\n')
  await using engine = await startEngine({ manifest, args: ['--name', 'two'] })
  expect(await engine.status()).toMatchObject({ name: 'two' })
  await using client = await connectRaw({ port: two })
  await client.send('hello')
  expect((await client.bytes(5)).toString()).toBe('hello')
  await expect(connectRaw({ port: one })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a manifest on standard input, and one that is alone in a directory, are served alike', async () => {
  await using workspace = await createWorkspace()
  const port = await freePort()
  await mkdir(`${workspace.path}/conf`)
  await workspace.write('conf/edge.yaml', JSON.stringify(echoOn(port)))
  await using engine = await serve(workspace, ['-f', `${workspace.path}/conf`, '--admin', 'none'])
  await engine.waitForLog((line) => line.message === 'server started', 15_000)
  await using client = await connectRaw({ port })
  await client.send('hello')
  expect((await client.bytes(5)).toString()).toBe('hello')
  await engine.stop('SIGINT')

  const child = await startChild(
    [...commandLine(), 'serve', '-f', '-', '--admin', 'none', '--log', 'json'],
    env(workspace),
  )
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('the pipes are missing')
  const output = collectOutput([stdout, stderr], child.exited)
  try {
    stdin.end(JSON.stringify(echoOn(port)))
    await output.waitForLog((line) => line.message === 'server started', 15_000)
  } finally {
    child.process.kill('SIGKILL')
    await child.exited
  }
})

test('a manifest larger than any, on standard input, is refused with 2 before it is read to its end', async () => {
  const input = 'a'.repeat(20_000_000)
  for (const command of ['serve', 'validate']) {
    const { code, stderr } = await runCommand([command, '-f', '-'], { input })
    expect([command, code]).toEqual([command, 2])
    expect(stderr).toMatch(/holds more than the \d+ bytes a manifest may have\nhint: /)
  }
})

test('validate -o json tells every manifest, every problem with path and cure, and the exit code is the worst of them', async () => {
  await using workspace = await createWorkspace()
  const good = await workspace.write('m/good.yaml', JSON.stringify(echoOn(1)))
  const bad = await workspace.write('m/bad.yaml', JSON.stringify(socketServer({ listners: [] })))
  const one = await runCommand(['validate', '-f', good, '-o', 'json'])
  expect(one.code).toBe(0)
  expect(JSON.parse(one.stdout)).toMatchObject({
    manifests: [{ file: good, name: 'edge', valid: true, problems: [] }],
    summary: { manifests: 1, invalid: 0, unreadable: 0 },
  })
  const all = await runCommand(['validate', '-f', `${workspace.path}/m`, '-o', 'json'])
  expect(all.code).toBe(1)
  const { manifests, summary } = JSON.parse(all.stdout) as {
    manifests: { file: string; problems: unknown[] }[]
    summary: unknown
  }
  expect(summary).toEqual({ manifests: 2, invalid: 1, unreadable: 0 })
  expect(manifests.find(({ file }) => file === bad)?.problems).toContainEqual(
    expect.objectContaining({ path: 'spec.listners', cure: expect.stringContaining('listeners') }),
  )
  const missing = await runCommand(['validate', '-f', good, '-f', `${workspace.path}/none.yaml`, '-o', 'json'])
  expect(missing.code).toBe(2)
  expect(JSON.parse(missing.stdout)).toMatchObject({ summary: { manifests: 1, invalid: 0, unreadable: 1 } })
})
