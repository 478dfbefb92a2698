import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { echo, startBackend } from '../support/backend.ts'
import { runCommand } from '../support/command.ts'
import { startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { listener, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { createWorkspace } from '../support/workspace.ts'

const twoListeners = (bindPolicy: string, free: number, taken: number) =>
  socketServer({
    bindPolicy,
    listeners: [
      listener({ name: 'free', port: free, tls: false, handler: { type: 'Echo' } }),
      listener({ name: 'taken', port: taken, tls: false, handler: { type: 'Echo' } }),
    ],
  })

/** Runs inside the engine's process: tells every try to listen. */
const TELL_LISTENS = `
  import net from 'node:net'
  const listen = net.Server.prototype.listen
  net.Server.prototype.listen = function (options, ...rest) {
    if (options?.port) console.error('listens ' + options.port + ' ' + Math.round(performance.now()))
    return listen.call(this, options, ...rest)
  }
`

test('AllOrNothing leaves nothing open when one listener fails, and exits with 3', async () => {
  await using occupant = await startBackend(echo)
  const free = await freePort()
  await using workspace = await createWorkspace()
  await workspace.writeManifest(twoListeners('AllOrNothing', free, occupant.port))

  const result = await runCommand(['serve', '-f', workspace.manifest, '--admin', 'none'])

  expect(result).toMatchObject({ code: 3, signal: null })
  expect(result.stderr).toContain(`127.0.0.1:${occupant.port}`)
  const socket = connect(free, '127.0.0.1')
  await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('under AllOrNothing no client gets in while another listener fails', async () => {
  await using occupant = await startBackend(echo)
  const free = await freePort()
  await using workspace = await createWorkspace()
  await workspace.writeManifest(twoListeners('AllOrNothing', free, occupant.port))
  let isOver = false
  const run = runCommand(['serve', '-f', workspace.manifest, '--admin', 'none']).finally(() => {
    isOver = true
  })
  let served = 0
  while (!isOver) {
    const socket = connect(free, '127.0.0.1').on('error', () => {})
    socket.on('data', () => {
      served += 1
    })
    socket.write('?')
    await once(socket, 'close').catch(() => {})
  }
  expect(await run).toMatchObject({ code: 3 })
  expect(served).toBe(0)
})

test('a listener that cannot listen is tried again with growing pauses, and told once', {
  timeout: 60_000,
}, async () => {
  await using occupant = await startBackend(echo)
  const free = await freePort()
  await using engine = await startEngine({
    manifest: twoListeners('BestEffort', free, occupant.port),
    runtime: 'node',
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELL_LISTENS)}` },
  })
  const tries = () =>
    [...engine.text().matchAll(/^listens (\d+) (\d+)$/gm)].filter(([, port]) => port === String(occupant.port))
  await eventually(() => expect(tries().length).toBeGreaterThanOrEqual(6), { withinMs: 30_000 })
  const at = tries().map(([, , time]) => Number(time))
  const pauses = at.slice(1).map((time, index) => time - (at[index] as number))
  // 250 ms, doubled from try to try; timers are never early and, on a busy machine, late.
  for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(250 * 2 ** index - 5)
  const told = engine.lines.filter((line) => line['listener'] === 'taken')
  expect(told).toMatchObject([{ level: 'error', message: 'listener state changed', state: 'Closed' }])
  expect((await engine.metrics()).sum('socketserver_listener_up', { listener: 'taken' })).toBe(0)
  expect((await engine.metrics()).sum('socketserver_listener_up', { listener: 'free' })).toBe(1)
})

test('BestEffort serves the rest, reports the listener, and takes the port when it becomes free', async () => {
  await using occupant = await startBackend(echo)
  const free = await freePort()
  await using engine = await startEngine({ manifest: twoListeners('BestEffort', free, occupant.port) })

  await using client = await connectRaw({ port: free })
  await client.send('served')
  expect((await client.bytes(6)).toString()).toBe('served')
  expect((await engine.status()).listeners).toMatchObject([
    { name: 'free', state: 'Listening', error: '' },
    { name: 'taken', state: 'Closed', error: expect.stringContaining(`${occupant.port}`) },
  ])

  await occupant.close()
  await eventually(
    async () => {
      expect((await engine.status()).listeners).toMatchObject([{}, { name: 'taken', state: 'Listening', error: '' }])
    },
    { withinMs: 10_000 },
  )
  await using late = await connectRaw({ port: occupant.port })
  await late.send('served')
  expect((await late.bytes(6)).toString()).toBe('served')
  // The client of the other listener has not noticed.
  await client.send('still')
  expect((await client.bytes(5)).toString()).toBe('still')
})
