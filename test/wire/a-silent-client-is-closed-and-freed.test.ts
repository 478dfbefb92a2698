import { expect, test } from 'vitest'
import { captureClientHello, inPieces } from '../support/client-hello.ts'
import { eventually } from '../support/eventually.ts'
import { host } from '../support/manifest.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

/** Ways to hold a place without ever becoming a client that is served. */
async function stuckClients(port: number): Promise<Readonly<Record<string, () => Promise<RawClient>>>> {
  const hello = await captureClientHello({ servername: 'a.test' })
  const having = async (bytes: Buffer | string | undefined, keepOn?: (client: RawClient) => void) => {
    const client = await connectRaw({ port })
    if (bytes !== undefined) await client.send(bytes)
    keepOn?.(client)
    return client
  }
  return {
    'says nothing': () => having(undefined),
    'sends half a hello': () => having(hello.subarray(0, 200)),
    'sends half the name of a method of HTTP': () => having('GE'),
    'stops in the middle of the handshake': () => having(hello),
    // The time counts from accept, so that bytes which drip in cannot stretch it.
    'drips its hello': () => having(undefined, (client) => void client.send(inPieces(hello, 1), 250)),
  }
}

/** All of them at once: each is closed in time, told in the log, and nothing of it is left. */
async function closesThemAll(engine: TlsEngine, seconds: number): Promise<void> {
  const descriptors = await engine.openDescriptors()
  const ways = Object.entries(await stuckClients(engine.port))
  const clients = await Promise.all(ways.map(([, connect]) => connect()))
  await using good = await connectTls({ port: engine.port, servername: 'a.test', ca: engine.authority.cert })
  await eventually(async () => expect((await engine.status()).clients).toBe(ways.length + 1))

  const ages = await Promise.all(clients.map((client) => client.closed(seconds * 1000 + 15_000)))
  for (const [at, age] of ages.entries()) {
    const way = ways[at]?.[0]
    expect(age, way).toBeGreaterThan(seconds * 1000 - 250)
    expect(age, way).toBeLessThan(seconds * 1000 + 10_000)
  }
  for (const client of clients) {
    expect(await engine.closeLine(client.origin)).toMatchObject({ reason: 'TooSlow' })
    client.socket.destroy()
  }
  expect(await engine.closed('TooSlow')).toBe(ways.length)
  // Those who were served meanwhile still are.
  expect(await good.request('hello')).toBe('hello')
  good.socket.end()
  await eventually(async () => {
    expect((await engine.status()).clients).toBe(0)
    expect((await engine.metrics()).sum('socketserver_connections_open')).toBe(0)
    expect(await engine.openDescriptors()).toBeLessThanOrEqual(descriptors)
  })
}

test('a client that never finishes its handshake is closed after 10 s and freed', { timeout: 60_000 }, async () => {
  await using engine = await startTlsEngine([host({ hostTag: 'a' })])
  await closesThemAll(engine, 10)
})

test('with handshakeSeconds 1 it is closed after one second', { timeout: 40_000 }, async () => {
  await using engine = await startTlsEngine([host({ hostTag: 'a' })], { spec: { timeouts: { handshakeSeconds: 1 } } })
  await closesThemAll(engine, 1)
})
