import { expect, test } from 'vitest'
import { type Backend, greet, startBackend } from '../../support/backend.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward } from '../../support/manifest.ts'
import type { RawClient } from '../../support/raw-client.ts'

/** Backends that greet with their own letter, and a plain listener in front of them. */
async function startSpread(balance: string, weights: readonly number[]) {
  const stack = new AsyncDisposableStack()
  const backends: Backend[] = []
  for (const [index] of weights.entries())
    backends.push(stack.use(await startBackend(greet(String.fromCharCode(97 + index)))))
  const parts = backends.map(({ backend }, index) => ({ ...backend, weight: weights[index] }))
  const edge = stack.use(
    await startEdge({ listener: { tls: false }, hosts: [{ handler: forward(parts, { balance }) }] }),
  )
  return {
    backends,
    edge,
    /** A client that stays, with the letter of its backend. */
    async client(): Promise<{ readonly client: RawClient; readonly letter: string }> {
      const client = stack.use(await edge.connectPlain())
      return { client, letter: (await client.bytes(1)).toString() }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('RoundRobin takes them in turn, each as often as its weight says, and those of weight 0 never', async () => {
  await using spread = await startSpread('RoundRobin', [3, 1, 0])
  let letters = ''
  for (let i = 0; i < 8; i++) letters += (await spread.client()).letter
  // Smooth: the heavy one does not take its three turns in a row at the expense of the light one.
  expect(letters).toBe('aabaaaba')
  expect(spread.backends[2]?.connections.length).toBe(0)
})

test('LeastClients takes the one with the fewest clients for its weight', async () => {
  await using spread = await startSpread('LeastClients', [1, 1, 2])
  const clients = []
  for (let i = 0; i < 8; i++) clients.push(await spread.client())
  const counts = () => spread.backends.map((one) => one.connections.filter(({ closed }) => !closed).length)
  expect(counts()).toEqual([2, 2, 4])
  // Whoever lost its clients gets the next ones.
  for (const { client, letter } of clients) if (letter === 'b') client.socket.destroy()
  await eventually(() => expect(counts()).toEqual([2, 0, 4]))
  await eventually(async () => {
    const metrics = await spread.edge.engine.metrics()
    expect(metrics.sum('socketserver_backend_clients')).toBe(6)
  })
  expect([(await spread.client()).letter, (await spread.client()).letter]).toEqual(['b', 'b'])
})

test('Random takes them by chance, in proportion to their weights', async () => {
  await using spread = await startSpread('Random', [3, 1])
  const clients = 120
  let heavy = 0
  let letters = ''
  for (let i = 0; i < clients; i++) {
    const { client, letter } = await spread.client()
    letters += letter
    if (letter === 'a') heavy += 1
    client.socket.destroy()
  }
  // Five standard deviations around three quarters: one run in two million fails by chance.
  const deviation = Math.sqrt(clients * 0.75 * 0.25)
  expect(Math.abs(heavy - clients * 0.75)).toBeLessThan(5 * deviation)
  expect(letters).not.toContain('aaba'.repeat(10))
})

test('a Service is found by the name that DNS has for it', async () => {
  await using edge = await startEdge({
    listener: { tls: false },
    hosts: [{ handler: forward([{ service: { name: 'shop', port: 8080 } }]) }],
    spec: { metadata: { name: 'edge', namespace: 'front' }, timeouts: { connectSeconds: 5 } },
  })
  await using client = await edge.connectPlain()
  await client.closed(10_000)
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toMatchObject({ backend: 'shop.front.svc:8080', reason: expect.stringMatching(/^Backend(Unre|Time)/) })
  expect(line['detail']).toContain('shop.front.svc')
})

test('a Service of a manifest without namespace is found by its name alone', async () => {
  await using backend = await startBackend(greet('hello'))
  await using edge = await startEdge({
    listener: { tls: false },
    // The one name every machine resolves without a server of DNS.
    hosts: [{ handler: forward([{ service: { name: 'localhost', port: backend.port } }]) }],
  })
  await using client = await edge.connectPlain()
  expect(await client.until('hello')).toBe('hello')
})
