import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startChild } from '../../../support/child.ts'
import { within } from '../../../support/deadline.ts'
import { startEngine } from '../../../support/engine-process.ts'
import { eventually } from '../../../support/eventually.ts'
import { listener, socketServer } from '../../../support/manifest.ts'
import { freePort } from '../../../support/ports.ts'
import { connectRaw } from '../../../support/raw-client.ts'
import { commandLine } from '../../../support/runtime.ts'
import { createWorkspace } from '../../../support/workspace.ts'

const TIMEOUT = { timeout: 30_000 }
const echoOn = (port: number) =>
  socketServer({ listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })] })

test('serve tells its state in the log, on the admin address, and stops cleanly', TIMEOUT, async () => {
  const port = await freePort()
  await using engine = await startEngine({ manifest: echoOn(port) })
  await engine.waitForLog((line) => line.message === 'server started')
  expect(await engine.status()).toMatchObject({
    name: 'edge',
    namespace: '',
    generation: 0,
    configHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    ready: true,
    clients: 0,
    listeners: [{ name: 'tls', state: 'Listening', address: '127.0.0.1', port, readyPods: 1, clients: 0, error: '' }],
    icsHosts: [{ hostTag: 'tls', grade: 'None', messages: [], certificates: [] }],
  })
  const client = await connectRaw({ port })
  await client.send('hello')
  await client.bytes(5)
  expect((await engine.status()).clients).toBe(1)
  client.socket.end()
  const line = await engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toMatchObject({
    level: 'info',
    listener: 'tls',
    host: 'tls',
    receivedBytes: 5,
    sentBytes: 5,
    reason: 'Completed',
  })
  expect(line['peer']).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(await engine.stop('SIGINT')).toEqual({ code: 0, signal: null })
  expect(engine.lines.at(-1)).toMatchObject({ message: 'server stopped' })
})

test('a stopping server is not ready and lets its client finish', TIMEOUT, async () => {
  const port = await freePort()
  await using engine = await startEngine({ manifest: echoOn(port) })
  await using client = await connectRaw({ port })
  await client.send('a')
  await client.bytes(1)
  const exit = engine.stop('SIGTERM')
  await eventually(async () =>
    expect(await engine.admin('/readyz')).toMatchObject({
      code: 503,
      body: expect.stringContaining('the server is stopping'),
    }),
  )
  await client.send('still served')
  expect((await client.bytes(12)).toString()).toBe('still served')
  client.socket.end()
  expect(await exit).toEqual({ code: 0, signal: null })
})

test('a second signal ends at once, one that comes with the first does not', TIMEOUT, async () => {
  const port = await freePort()
  await using engine = await startEngine({ manifest: echoOn(port) })
  await using client = await connectRaw({ port })
  await client.send('a')
  await client.bytes(1)
  const exit = engine.exit()
  process.kill(engine.pid, 'SIGTERM')
  process.kill(engine.pid, 'SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 700))
  await client.send('b')
  expect((await client.bytes(1)).toString()).toBe('b')
  const asked = performance.now()
  process.kill(engine.pid, 'SIGTERM')
  expect(await exit).toEqual({ code: 0, signal: null })
  expect(performance.now() - asked).toBeLessThan(3_000)
  expect(engine.lines.find((line) => line.message === 'client closed')).toMatchObject({ reason: 'ServerStopped' })
})

test('clients that do not finish within drainSeconds are closed', TIMEOUT, async () => {
  const port = await freePort()
  const manifest = socketServer({
    timeouts: { drainSeconds: 1 },
    listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })],
  })
  await using engine = await startEngine({ manifest })
  await using client = await connectRaw({ port })
  await client.send('a')
  await client.bytes(1)
  const asked = performance.now()
  expect(await engine.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(performance.now() - asked).toBeGreaterThan(900)
  expect(performance.now() - asked).toBeLessThan(4_000)
  expect(engine.lines.find((line) => line.message === 'client closed')).toMatchObject({ reason: 'ServerStopped' })
})

test('SIGHUP checks the certificates again', TIMEOUT, async () => {
  await using engine = await startEngine({ manifest: echoOn(await freePort()) })
  process.kill(engine.pid, 'SIGHUP')
  await engine.waitForLog((line) => line.message === 'certificates rechecked')
  expect(engine.ended()).toBe(false)
})

test(
  'an edited manifest is put into service; a broken one makes the server not ready until it heals',
  TIMEOUT,
  async () => {
    const [before, after] = [await freePort(), await freePort()]
    await using engine = await startEngine({ manifest: echoOn(before) })
    await engine.writeManifest(echoOn(after))
    await engine.waitForLog((line) => line.message === 'manifest accepted')
    await using client = await connectRaw({ port: after })
    await client.send('hello')
    expect((await client.bytes(5)).toString()).toBe('hello')
    await engine.writeManifest('nonsense')
    await engine.waitForLog((line) => line.message === 'manifest refused')
    expect(await engine.admin('/readyz')).toMatchObject({ code: 503, body: expect.stringContaining('not usable') })
    await engine.writeManifest(echoOn(after))
    await eventually(async () => expect(await engine.admin('/readyz')).toMatchObject({ code: 200 }), {
      withinMs: 10_000,
    })
  },
)

test('the pretty log shows the states of the listeners in their known form', TIMEOUT, async () => {
  await using workspace = await createWorkspace()
  const [one, two] = [await freePort(), await freePort()]
  await workspace.writeManifest(
    socketServer({
      listeners: [
        { name: 'one', port: one, tls: false, handler: { type: 'Echo' } },
        { name: 'two', address: '127.0.0.1', port: two, socketFamily: 'IPv4', tls: false, handler: { type: 'Echo' } },
      ],
    }),
  )
  const child = await startChild([...commandLine(), 'serve', '-f', '-', '--admin', 'none', '--log', 'pretty'])
  const { stdin, stderr } = child.process
  if (stdin === null || stderr === null) throw new Error('the pipes are missing')

  stdin.end(await readFile(workspace.manifest))
  await using client = await eventually(() => connectRaw({ port: two }), { withinMs: 10_000 })
  client.socket.end()
  const all = text(stderr)
  await new Promise((resolve) => setTimeout(resolve, 300))
  child.process.kill('SIGTERM')
  expect(await within(10_000, 'the end', child.exited)).toEqual({ code: 0, signal: null })
  const out = await all
  expect(out).toContain(`Socket 1 State: Listening Any on :: port ${one}\n`)
  expect(out).toContain(`Socket 2 State: Listening Only IPv4 on 127.0.0.1 port ${two}\n`)
  expect(out).toContain('Host one: every other name on one: Echo\n')
  expect(out).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}client closed clientId=\S+ listener=two host=two /m)
})

test('an exception that reaches nobody is logged and counted, and the server goes on', TIMEOUT, async () => {
  const port = await freePort()
  const late =
    'setTimeout(() => { throw new Error("boom") }, 1500); setTimeout(() => Promise.reject(new Error("bang")), 1500)'
  await using engine = await startEngine({
    manifest: echoOn(port),
    runtime: 'node',
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(late)}` },
  })
  await using client = await connectRaw({ port })
  for (const text of ['boom', 'bang']) {
    const line = await engine.waitForLog((one) => String(one['error']).includes(text))
    expect(line).toMatchObject({ level: 'error', message: 'defect' })
  }
  await client.send('hello')
  expect((await client.bytes(5)).toString()).toBe('hello')
  expect((await engine.metrics()).sum('socketserver_defects_total')).toBe(2)
})

test('a log that nobody reads stops no client', TIMEOUT, async () => {
  const port = await freePort()
  await using workspace = await createWorkspace()
  await workspace.writeManifest(echoOn(port))
  // The shell's sleep has the reading end of the pipe and never reads: a full pipe blocks whoever writes to it.
  const command = [...commandLine(), 'serve', '-f', workspace.manifest, '--admin', 'none', '--log', 'json']
  const child = await startChild(['/bin/bash', '-c', 'exec "$@" 2> >(exec sleep 20)', 'bash', ...command])
  try {
    const probe = await eventually(() => connectRaw({ port }), { withinMs: 10_000 })
    probe.socket.destroy()
    const lines = 600
    for (let i = 0; i < lines; i++) {
      await using client = await connectRaw({ port })
      await client.send('hello')
      expect((await client.bytes(5)).toString()).toBe('hello')
    }
  } finally {
    child.process.kill('SIGKILL')
  }
})
