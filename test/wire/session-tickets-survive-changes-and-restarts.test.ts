import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { type EngineProcess, startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectTls } from '../support/tls-client.ts'
import { createWorkspace, type Workspace } from '../support/workspace.ts'

const ca = createAuthority()
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof VERSIONS)[number]

/** A host that speaks one version alone, so that a ticket is of that version. */
const speaks = (version: Version, changes: Part = {}) => {
  const tag = version === 'TLSv1.2' ? 'old' : 'new'
  return host({ hostTag: tag, tls: { minVersion: version, maxVersion: version }, ...changes })
}
const servername = (version: Version) => (version === 'TLSv1.2' ? 'old.test' : 'new.test')

async function secrets(workspace: Workspace): Promise<string> {
  for (const tag of ['old', 'new', 'b']) {
    const { certPem, keyPem } = ca.issue({ names: [`${tag}.test`] })
    await workspace.copySecret(tag, { 'tls.crt': certPem, 'tls.key': keyPem })
  }
  return workspace.secrets
}

async function sessionOf(port: number, version: Version): Promise<Buffer> {
  await using client = await connectTls({ port, servername: servername(version) })
  expect(client.protocol).toBe(version)
  const [session] = await Promise.all([client.session(), client.request('hello')])
  return session
}

async function resumes(port: number, name: string, session: Buffer, more = {}): Promise<boolean> {
  await using client = await connectTls({ port, servername: name, session, ...more })
  expect(await client.request('hello')).toBe('hello')
  return client.resumed
}

const both = (port: number, changes: Part = {}) => ({
  manifest: socketServer({
    listeners: [listener({ port })],
    icsHosts: VERSIONS.map((version) => speaks(version)),
    ...changes,
  }),
})

async function generation(engine: EngineProcess, wanted: number): Promise<void> {
  await eventually(async () => expect(await engine.status()).toMatchObject({ generation: wanted, ready: true }))
}

describe.each(VERSIONS)('%s', (version) => {
  test('tickets survive changes of the host that ask nothing else of its clients', async () => {
    await using workspace = await createWorkspace()
    const port = await freePort()
    await using engine = await startEngine({ secrets: await secrets(workspace), ...both(port) })
    const session = await sessionOf(port, version)
    const changed = speaks(version, { hostNames: [servername(version), 'more.test'], default: true })
    const metadata = { name: 'edge', generation: 2 }
    await engine.writeManifest(
      socketServer({ metadata, banner: '', listeners: [listener({ port, maxClients: 9 })], icsHosts: [changed] }),
    )
    await generation(engine, 2)
    expect(await resumes(port, servername(version), session)).toBe(true)
  })

  test('tickets survive another certificate', async () => {
    await using workspace = await createWorkspace()
    const port = await freePort()
    await using engine = await startEngine({ secrets: await secrets(workspace), ...both(port) })
    const session = await sessionOf(port, version)
    await secrets(workspace)
    const tag = servername(version).slice(0, 3)
    await eventually(() => {
      const loads = engine.lines.filter((line) => line.message === 'certificate loaded' && line['host'] === tag)
      expect(loads).toHaveLength(2)
    })
    expect(await resumes(port, servername(version), session)).toBe(true)
  })

  test('tickets survive a restart with --ticket-keys, and with nothing else', async () => {
    await using workspace = await createWorkspace()
    const directory = join(workspace.path, 'tickets')
    await mkdir(directory)
    const port = await freePort()
    const run = async (args: readonly string[]) =>
      await startEngine({ secrets: workspace.secrets, ...both(port), args })
    await secrets(workspace)
    const keys = ['--ticket-keys', directory]

    let engine = await run(keys)
    const session = await sessionOf(port, version)
    const [name = ''] = await readdir(directory)
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
    expect((await readFile(join(directory, name))).length).toBeGreaterThanOrEqual(32)
    await engine.stop()
    engine = await run(keys)
    expect(await resumes(port, servername(version), session)).toBe(true)
    expect(engine.text()).not.toContain((await readFile(join(directory, name))).toString('hex'))
    await engine.stop()
    engine = await run([])
    expect(await resumes(port, servername(version), session)).toBe(false)
    await engine.stop()
  })

  test('the newest key encrypts, older ones decrypt until they go', async () => {
    await using workspace = await createWorkspace()
    const directory = join(workspace.path, 'tickets')
    await mkdir(directory)
    const port = await freePort()
    const key = (name: string) => writeFile(join(directory, name), `${name}${'0123456789abcdef'.repeat(3)}`)
    await key('9')
    await using engine = await startEngine({
      ...{ secrets: await secrets(workspace), args: ['--ticket-keys', directory] },
      ...both(port),
    })
    const newest = async (name: string, keys: number) =>
      await engine.waitForLog(
        (line) => line.message === 'session ticket keys loaded' && line['newest'] === name && line['keys'] === keys,
      )
    await newest('9', 1)
    const first = await sessionOf(port, version)
    await key('10')
    await newest('10', 2)
    const second = await sessionOf(port, version)
    expect(await resumes(port, servername(version), first)).toBe(true)
    expect(await resumes(port, servername(version), second)).toBe(true)

    await rm(join(directory, '9'))
    await newest('10', 1)
    // A ticket of a key that is gone costs its client a whole handshake, and no more.
    expect(await resumes(port, servername(version), first)).toBe(false)
    expect(await resumes(port, servername(version), second)).toBe(true)
    // A key that cannot be used is told, and changes nothing.
    await writeFile(join(directory, '11'), 'short')
    await engine.waitForLog((line) => line.message === 'session ticket keys cannot be used')
    await rm(join(directory, '10'))
    await engine.waitForLog((line) => String(line['problem']).includes('no file of the directory can be used'))
    expect(await resumes(port, servername(version), second)).toBe(true)
    expect(await readdir(directory)).toEqual(['11'])
  })

  test('a ticket never crosses to a host with another policy, before and after a change', async () => {
    await using workspace = await createWorkspace()
    const port = await freePort()
    const clients = createAuthority()
    await workspace.copyConfigMap('ca', { 'ca.crt': clients.cert })
    const asks = { method: 'Require', caRefs: [{ kind: 'ConfigMap', name: 'ca', key: 'ca.crt' }] }
    const strict = host({ hostTag: 'b', tls: { minVersion: version, maxVersion: version }, clientCertificate: asks })
    const spec = (open: Part) => ({ listeners: [listener({ port })], icsHosts: [open, strict] })
    await using engine = await startEngine({
      secrets: await secrets(workspace),
      configMaps: workspace.configMaps,
      manifest: socketServer(spec(speaks(version))),
    })
    const session = await sessionOf(port, version)
    const { certPem: cert, keyPem } = clients.issue({ names: ['alice'], client: true })
    expect(await resumes(port, 'b.test', session, { cert, key: keyPem })).toBe(false)
    await expect(resumes(port, 'b.test', session)).rejects.toThrow()

    // The same host begins to ask for certificates: who comes with its ticket is asked as well.
    await engine.writeManifest(
      socketServer({
        metadata: { name: 'edge', generation: 2 },
        ...spec(speaks(version, { clientCertificate: asks })),
      }),
    )
    await generation(engine, 2)
    await expect(resumes(port, servername(version), session)).rejects.toThrow()
    expect(await resumes(port, servername(version), session, { cert, key: keyPem })).toBe(false)
  })
})
