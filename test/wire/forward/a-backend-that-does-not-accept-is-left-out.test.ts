import { expect, test } from 'vitest'
import { greet, record, startBackend } from '../../support/backend.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward, type Part } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { startSilentPort } from '../../support/silent-port.ts'

const at = (port: number): Part => ({ host: '127.0.0.1', port })

const startPlain = (backends: readonly Part[], spec: Part = {}) =>
  startEdge({ listener: { tls: false }, hosts: [{ handler: forward(backends) }], spec })

/** What the next client hears first; empty when it is closed without a word. */
async function firstWords(edge: Edge): Promise<string> {
  await using client = await edge.connectPlain()
  return (await client.bytes(4, 10_000).catch(() => '')).toString()
}

const healthy = async (edge: Edge, port: number) =>
  (await edge.engine.metrics()).sum('socketserver_backend_healthy', { backend: `127.0.0.1:${port}` })

test('a client gets the next backend when one refuses, and the refusing one is left out until it is back', async () => {
  const port = await freePort()
  await using good = await startBackend(greet('good'))
  await using edge = await startPlain([at(port), good.backend])
  for (let i = 0; i < 6; i++) expect(await firstWords(edge)).toBe('good')
  const told = await edge.engine.waitForLog((one) => one.message === 'backend does not accept')
  expect(told).toMatchObject({ level: 'warn', backend: `127.0.0.1:${port}`, cause: 'refused' })
  expect(told['detail']).toContain('ECONNREFUSED')
  expect(await healthy(edge, port)).toBe(0)
  expect(await healthy(edge, good.port)).toBe(1)

  await using back = await startBackend(greet('back'), { port })
  // It is tried again by a client from time to time, and takes its share from then on.
  await eventually(async () => expect(await firstWords(edge)).toBe('back'), { withinMs: 20_000, everyMs: 50 })
  await edge.engine.waitForLog((one) => one.message === 'backend is back')
  expect(await healthy(edge, port)).toBe(1)
  const before = back.connections.length
  for (let i = 0; i < 4; i++) expect(await firstWords(edge)).toMatch(/^(good|back)$/)
  expect(back.connections.length - before).toBe(2)
})

test('while a backend is left out its clients do not wait for it', { timeout: 60_000 }, async () => {
  await using silent = await startSilentPort()
  await using good = await startBackend(greet('good'))
  await using edge = await startPlain([at(silent.port), good.backend], { timeouts: { connectSeconds: 1 } })
  const started = performance.now()
  for (let i = 0; i < 40; i++) expect(await firstWords(edge)).toBe('good')
  // Without ejection every second client would have waited a second for it.
  expect(performance.now() - started).toBeLessThan(12_000)
})

test('a client of backends that all refuse is closed, and the log names each with its cause', async () => {
  const [one, two] = [await freePort(), await freePort()]
  await using edge = await startPlain([at(one), at(two)])
  expect(await firstWords(edge)).toBe('')
  const line = await edge.engine.waitForLog((each) => each.message === 'client closed')
  expect(line).toMatchObject({ reason: 'BackendUnreachable' })
  for (const port of [one, two]) expect(line['detail']).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`))
  const closed = { reason: 'BackendUnreachable', host: 'a' }
  expect((await edge.engine.metrics()).sum('socketserver_connections_closed_total', closed)).toBe(1)
})

test('all backends being left out, they are tried all the same', async () => {
  const port = await freePort()
  await using edge = await startPlain([at(port)])
  for (let i = 0; i < 5; i++) expect(await firstWords(edge)).toBe('')
  await using _back = await startBackend(greet('back'), { port })
  // No pause is waited for: with nobody else to send a client to, trying beats refusing.
  expect(await firstWords(edge)).toBe('back')
})

test('a backend that does not answer a connect costs the connect time and no more, and the next one serves', async () => {
  await using silent = await startSilentPort()
  await using good = await startBackend(greet('good'))
  const spec = { timeouts: { connectSeconds: 1 } }
  await using edge = await startPlain([at(silent.port), good.backend], spec)
  const started = performance.now()
  expect(await firstWords(edge)).toBe('good')
  expect(performance.now() - started).toBeGreaterThan(900)
  const told = await edge.engine.waitForLog((one) => one.message === 'backend does not accept')
  expect(told).toMatchObject({ cause: 'timeout', detail: expect.stringContaining('1000 ms') })

  await using alone = await startPlain([at(silent.port)], spec)
  expect(await firstWords(alone)).toBe('')
  const line = await alone.engine.waitForLog((each) => each.message === 'client closed')
  expect(line).toMatchObject({ reason: 'BackendTimeout' })
})

test('a backend that accepts and does not answer the TLS handshake costs the connect time, too', async () => {
  await using silent = await startBackend(record)
  await using edge = await startEdge({
    listener: { tls: false },
    hosts: [{ handler: forward([silent.backend], { tls: { serverName: 'backend.internal' } }) }],
    spec: { timeouts: { connectSeconds: 1 } },
  })
  expect(await firstWords(edge)).toBe('')
  const line = await edge.engine.waitForLog((each) => each.message === 'client closed')
  expect(line).toMatchObject({ reason: 'BackendTimeout', detail: expect.stringContaining('1000 ms') })
  await eventually(() => expect(silent.connections).toMatchObject([{ ended: true }]))
})
