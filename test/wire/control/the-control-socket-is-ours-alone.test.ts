import { existsSync, statSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { askSocket, control, controlPath } from '../../support/control.ts'
import { type EngineOptions, startEngine } from '../../support/engine-process.ts'
import { eventually } from '../../support/eventually.ts'
import { listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { createWorkspace } from '../../support/workspace.ts'

const manifest = async () =>
  socketServer({ listeners: [listener({ port: await freePort(), tls: false, handler: { type: 'Echo' } })] })
const start = async (options: Partial<EngineOptions> = {}) => startEngine({ manifest: await manifest(), ...options })
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('it lies in the runtime directory under the name of the SocketServer, with mode 0600, and goes with the engine', async () => {
  await using engine = await start()
  const path = await controlPath(engine)
  expect(path).toBe(join(engine.runtimeDir, 'socketserver', 'edge.sock'))
  expect([modeOf(path), modeOf(join(engine.runtimeDir, 'socketserver'))]).toEqual(['600', '700'])
  expect(JSON.parse((await askSocket(path, 'GET', '/v1/states')).body)).toMatchObject({ name: 'edge' })
  await engine.stop()
  expect(existsSync(path)).toBe(false)
})

test('--control PATH puts it elsewhere, with mode 0600 under any umask', async () => {
  await using workspace = await createWorkspace()
  const path = join(workspace.path, 'my.sock')
  const before = process.umask(0)
  try {
    await using engine = await start({ args: ['--control', path] })
    expect(await controlPath(engine)).toBe(path)
    expect(modeOf(path)).toBe('600')
    expect((await control(engine, 'states')).code).toBe(0)
  } finally {
    process.umask(before)
  }
})

test('--control none opens none', async () => {
  await using engine = await start({ args: ['--control', 'none'] })
  expect(await controlPath(engine)).toBe('none')
  expect(existsSync(join(engine.runtimeDir, 'socketserver'))).toBe(false)
})

test('a second engine never steals it: with the path given it does not start, and the first goes on', async () => {
  await using engine = await start()
  const path = await controlPath(engine)
  await using workspace = await createWorkspace()
  await workspace.writeManifest(await manifest())
  const args = ['serve', '-f', workspace.manifest, '--admin', 'none', '--log', 'json', '--control', path]
  const { code, stderr } = await runCommand(args)
  expect(code).toBe(3)
  expect(stderr).toContain(`Cannot listen: the control socket "${path}" belongs to another engine that runs`)
  expect(stderr).toMatch(/^hint: .*--control PATH/m)
  expect((await control(engine, 'states')).code).toBe(0)
})

test('a second engine of the same name gets one beside it, and commands ask which is meant', async () => {
  await using first = await start()
  const env = { XDG_RUNTIME_DIR: first.runtimeDir }
  await using second = await start({ env })
  expect(await controlPath(second)).toBe(join(first.runtimeDir, 'socketserver', `edge-${second.pid}.sock`))
  const states = await runCommand(['states'], { env })
  expect(states.code).toBe(2)
  expect(states.stderr).toMatch(/Cannot reach the engine: \d engines run here/)
  for (const engine of [first, second]) expect(states.stderr).toContain(`--control ${await controlPath(engine)}`)
})

test('the one a killed engine left is taken over', async () => {
  await using workspace = await createWorkspace()
  const env = { XDG_RUNTIME_DIR: workspace.path }
  const first = await start({ env })
  const path = await controlPath(first)
  await first.stop('SIGKILL')
  expect(existsSync(path)).toBe(true)
  const left = await runCommand(['states', '--control', path])
  expect([left.code, left.stderr]).toEqual([
    2,
    `Cannot reach the engine: nobody listens on the control socket "${path}"\nhint: the engine it belonged to has ended; start it again\n`,
  ])
  await using second = await start({ env })
  expect(await controlPath(second)).toBe(path)
  expect(await readdir(join(workspace.path, 'socketserver'))).toEqual(['edge.sock'])
  expect((await control(second, 'states')).code).toBe(0)
})

test('a path that cannot be had ends the start with its cause and cure', async () => {
  await using workspace = await createWorkspace()
  await workspace.writeManifest(await manifest())
  const serve = (path: string) =>
    runCommand(['serve', '-f', workspace.manifest, '--admin', 'none', '--log', 'json', '--control', path])
  for (const [path, cause] of [
    [join(workspace.path, 'absent', 'x.sock'), 'is in a directory that does not exist'],
    [workspace.manifest, 'is a file that is no socket'],
    [join(workspace.path, 'x'.repeat(100)), 'a UNIX socket has room for 103'],
  ] as const) {
    const { code, stderr } = await serve(path)
    expect([code, stderr]).toEqual([3, expect.stringContaining(`Cannot listen: the control socket "${path}"`)])
    expect(stderr).toContain(cause)
    expect(stderr).toMatch(/^hint: .*--control PATH, or --control none/m)
  }
})

test.each([
  ['GET', '/v1/clents', '', 404, 'did you mean GET /v1/clients?'],
  ['GET', '/v1/drain', '', 405, 'ask POST /v1/drain'],
  ['POST', '/v1/disconnect', '{"clientIds": "c-1"}', 400, '["c-1"]'],
  ['POST', '/v1/disconnect', 'c-1', 400, 'give a JSON object'],
  ['POST', '/v1/recheck', '{"hosts": []}', 400, 'nothing can be given here'],
  ['GET', '/v1/clients?peer=nobody', '', 400, '192.0.2.0/24'],
])('%s %s %s is refused with the cure', async (method, url, body, status, hint) => {
  await using engine = await start()
  const answer = await askSocket(await controlPath(engine), method, url, body)
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String), hint: expect.stringContaining(hint) })
  expect((await control(engine, 'states')).code).toBe(0)
})

test('what is too long, too slow or no HTTP is cut off, and the engine goes on', { timeout: 60_000 }, async () => {
  await using engine = await start()
  const path = await controlPath(engine)
  const long = await askSocket(path, 'POST', '/v1/disconnect', 'x'.repeat(2 * 1024 * 1024)).catch(
    (error: NodeJS.ErrnoException) => ({ status: 413, body: error.code }),
  )
  expect(long.status).toBe(413)

  const closes = (bytes: string) =>
    new Promise<void>((resolve) => {
      const socket = connect({ path })
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.resume()
      socket.write(bytes)
    })
  await closes('\x16\x03\x01 nonsense\r\n\r\n')
  // A request that never ends is given up by the engine.
  await closes('POST /v1/drain HTTP/1.1\r\nhost: x\r\n')
  const states = await control(engine, 'states')
  expect([states.code, states.stdout]).toEqual([0, expect.stringMatching(/^Socket 1 State: Listening/)])
  await eventually(async () => expect((await engine.admin('/readyz')).code).toBe(200))
})

test('a path that is no control socket is told', async () => {
  await using workspace = await createWorkspace()
  const file = join(workspace.path, 'notes.txt')
  await writeFile(file, '')
  for (const [path, cause] of [
    [file, 'no'],
    [join(workspace.path, 'absent.sock'), 'there is no control socket'],
  ] as const) {
    const { code, stderr } = await runCommand(['clients', '--control', path])
    expect(code).toBe(2)
    expect(stderr).toContain('Cannot reach the engine: ')
    expect(stderr).toContain(cause)
    expect(stderr).toMatch(/^hint: /m)
  }
})
