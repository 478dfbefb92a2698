import { execFileSync } from 'node:child_process'
import { chmod, readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { echo, startBackend } from '../../support/backend.ts'
import { startChild } from '../../support/child.ts'
import { runCommand } from '../../support/command.ts'
import { within } from '../../support/deadline.ts'
import { startEngine } from '../../support/engine-process.ts'
import { eventually } from '../../support/eventually.ts'
import { listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { connectRaw } from '../../support/raw-client.ts'
import { commandLine } from '../../support/runtime.ts'
import { createWorkspace } from '../../support/workspace.ts'

const NOBODY = 65_534
const echoOn = (port: number, bindPolicy = 'AllOrNothing') =>
  socketServer({ bindPolicy, listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })] })

/** Whether another user can run the command here at all, and ports below 1024 are kept from it. */
const canBecomeNobody = async (): Promise<boolean> => {
  if (process.getuid?.() !== 0) return false
  const [program, cli] = commandLine()
  try {
    execFileSync(program, [String(cli), 'version'], { uid: NOBODY, gid: NOBODY })
  } catch {
    return false
  }
  return Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) > 443
}

test('a port in use ends an AllOrNothing server with exit code 3', async () => {
  await using occupant = await startBackend(echo)
  await using workspace = await createWorkspace()
  await workspace.writeManifest(echoOn(occupant.port))
  const { code, stderr } = await runCommand(['serve', '-f', workspace.manifest, '--admin', 'none'])
  expect(code).toBe(3)
  expect(stderr).toMatch(new RegExp(`^Cannot listen: .*"tls".*127\\.0\\.0\\.1:${occupant.port}`, 'm'))
  expect(stderr).toMatch(/^hint: .+/m)
})

test('a port in use is told in the log and in /readyz of a BestEffort server', async () => {
  await using occupant = await startBackend(echo)
  await using engine = await startEngine({ manifest: echoOn(occupant.port, 'BestEffort'), ready: 'livez' })
  const line = await engine.waitForLog((one) => one.message === 'listener state changed')
  expect(line).toMatchObject({
    level: 'error',
    listener: 'tls',
    state: 'Closed',
    error: expect.stringContaining(`${occupant.port}`),
  })
  const { code, body } = await engine.admin('/readyz')
  expect(code).toBe(503)
  expect(body).toContain('listener "tls" does not listen')
})

test('a BestEffort server waits for its only port, and takes it when it becomes free', async () => {
  await using occupant = await startBackend(echo)
  await using workspace = await createWorkspace()
  await workspace.writeManifest(echoOn(occupant.port, 'BestEffort'))
  const child = await startChild([...commandLine(), 'serve', '-f', workspace.manifest, '--admin', 'none'])
  child.process.stderr?.resume()
  await sleep(2_000)
  expect(child.exit()).toBeUndefined()
  await occupant.close()
  await using client = await eventually(() => connectRaw({ port: occupant.port }), { withinMs: 15_000 })
  await client.send('hello')
  expect((await client.bytes(5)).toString()).toBe('hello')
  child.process.kill('SIGKILL')
})

test('an admin port in use ends with exit code 3 before a listener opens', async () => {
  await using occupant = await startBackend(echo)
  await using workspace = await createWorkspace()
  await workspace.writeManifest(echoOn(await freePort()))
  const { code, stderr } = await runCommand([
    'serve',
    '-f',
    workspace.manifest,
    '--admin',
    `127.0.0.1:${occupant.port}`,
  ])
  expect(code).toBe(3)
  expect(stderr).toMatch(/^Cannot listen: the admin address "127\.0\.0\.1:\d+" is in use\nhint: .*--admin/m)
  expect(stderr).not.toContain('server started')
})

test.skipIf(!(await canBecomeNobody()))(
  'a port below 1024 without the right is told with the cure: exit code 3',
  async () => {
    await using workspace = await createWorkspace()
    await workspace.writeManifest(echoOn(443))
    await chmod(workspace.path, 0o755)
    const child = await startChild([...commandLine(), 'serve', '-f', workspace.manifest, '--admin', 'none'], {
      uid: NOBODY,
      gid: NOBODY,
    })
    const { stderr } = child.process
    if (stderr === null) throw new Error('the pipe is missing')
    const [exit, err] = await within(20_000, 'the end', Promise.all([child.exited, text(stderr)]))
    expect(exit).toEqual({ code: 3, signal: null })
    expect(err).toMatch(/^Cannot listen: .*no right to listen on 127\.0\.0\.1:443/m)
    expect(err).toContain('CAP_NET_BIND_SERVICE')
  },
)
