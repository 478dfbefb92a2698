import { describe, expect, test, vi } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Part } from '../support/manifest.ts'
import { opensslClient, opensslMissing } from '../support/openssl-client.ts'
import { connectRaw } from '../support/raw-client.ts'
import { refusalOf } from '../support/tls-client.ts'
import { ask, type Door, startTwoDoors, type TwoDoors } from '../support/two-doors.ts'

// Much of it is waiting for time to pass, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

const bannerTooBusy = '421 too many, später\r\n'

/** Connects one client more than there are places: it is told, and its end is clean. */
async function isTold(engine: TwoDoors, door: Door, reason: string, more: object = {}): Promise<void> {
  await using client = await door.connect(more)
  // What it says is of no interest, and does not turn the end into a reset that could overtake the words.
  client.socket.write('EHLO client.test\r\n'.repeat(100))
  expect((await client.toEnd()).toString()).toBe(bannerTooBusy)
  expect(client.broken()).toBeUndefined()
  client.socket.end()
  await engine.waitForLog((line) => line['reason'] === reason)
}

const limits: Record<string, { spec?: Part; ofListener?: Part; reason: string; isOwn?: boolean }> = {
  'maxClients over all listeners': { spec: { maxClients: 2 }, reason: 'TooBusy' },
  'maxClients of the listener': { ofListener: { maxClients: 2 }, reason: 'TooBusy', isOwn: true },
  maxClientsPerSource: { spec: { maxClientsPerSource: 2 }, reason: 'TooManyFromSource' },
}

for (const [name, { spec = {}, ofListener = {}, reason, isOwn = false }] of Object.entries(limits))
  for (const door of ['tls', 'plain'] as const)
    test(`over ${name}, on a ${door} listener`, async () => {
      await using engine = await startTwoDoors({ bannerTooBusy, ...spec }, {}, ofListener)
      const other = door === 'tls' ? engine.plain : engine.tls
      await using first = await engine[door].connect()
      // A limit over all counts the clients of every listener, that of one its own alone.
      await using second = await (isOwn ? engine[door] : other).connect()
      expect([await ask(first), await ask(second)]).toEqual(['hello', 'hello'])
      if (isOwn) {
        await using elsewhere = await other.connect()
        expect(await ask(elsewhere)).toBe('hello')
      }
      for (let i = 0; i < 3; i++) await isTold(engine, engine[door], reason)
      // Those inside do not notice, and a place that is left is given to the next.
      expect(await ask(second)).toBe('hello')
      first.socket.end()
      await first.toEnd()
      await eventually(async () => {
        await using next = await engine[door].connect()
        expect(await ask(next)).toBe('hello')
      })
      expect(await engine.closed(reason)).toBeGreaterThanOrEqual(3)
    })

describe('a source', () => {
  test('is an address of IPv4', async () => {
    await using engine = await startTwoDoors({ bannerTooBusy, maxClientsPerSource: 1 })
    await using _ = await engine.tls.connect()
    await isTold(engine, engine.tls, 'TooManyFromSource')
    await using other = await engine.tls.connect({ localAddress: '127.0.0.2' })
    expect(await ask(other)).toBe('hello')
    await isTold(engine, engine.plain, 'TooManyFromSource', { localAddress: '127.0.0.2' })
  })

  const header = (source: string) =>
    `PROXY TCP${source.includes(':') ? '6' : '4'} ${source} ${source.includes(':') ? '2001:db8::99' : '192.0.2.99'} 40000 443\r\n`

  for (const door of ['tls', 'plain'] as const)
    test(`is whom a PROXY protocol header names, and a /64 of IPv6, on a ${door} listener`, async () => {
      const proxyProtocol = { mode: 'Require', trustedSources: ['127.0.0.1'] }
      await using engine = await startTwoDoors({ bannerTooBusy, maxClientsPerSource: 2 }, {}, { proxyProtocol })
      const from = (source: string) => engine[door].connect({ before: header(source) })
      await using one = await from('2001:db8:1:2::1')
      await using two = await from('2001:db8:1:2:ffff::9')
      expect([await ask(one), await ask(two)]).toEqual(['hello', 'hello'])
      await isTold(engine, engine[door], 'TooManyFromSource', { before: header('2001:db8:1:2:3:4:5:6') })
      await using elsewhere = await from('2001:db8:1:3::1')
      await using four = await from('192.0.2.7')
      expect([await ask(elsewhere), await ask(four)]).toEqual(['hello', 'hello'])
      const line = await engine.waitForLog((one) => one['reason'] === 'TooManyFromSource')
      expect(line).toMatchObject({ peer: '[2001:db8:1:2:3:4:5:6]:40000' })
    })

  test('that is over its limit behind a proxy has given its place back before it is told', async () => {
    const proxyProtocol = { mode: 'Require', trustedSources: ['127.0.0.1'] }
    await using engine = await startTwoDoors({ bannerTooBusy, maxClientsPerSource: 1 }, {}, { proxyProtocol })
    await using one = await engine.tls.connect({ before: header('192.0.2.7') })
    expect(await ask(one)).toBe('hello')
    // It is in the lane, and its hello does not come.
    await using over = await connectRaw({ port: engine.tls.port })
    await eventually(async () => expect((await engine.status()).clients).toBe(2))
    await over.send(header('192.0.2.7'))
    await eventually(async () => expect((await engine.status()).clients).toBe(1))
    expect(over.socket.readableEnded).toBe(false)
    expect(await engine.closed('TooManyFromSource')).toBe(0)
  })
})

test.skipIf(opensslMissing)(
  'another TLS library is told inside TLS, and sees TLS ended before the connection',
  async () => {
    await using engine = await startTwoDoors({ bannerTooBusy, maxClients: 1 })
    await using _ = await engine.plain.connect()
    const { output } = await opensslClient(engine.tls.port, ['-servername', 'a.test', '-ign_eof'])
    expect(output).toContain('421 too many')
    // s_client says so after close_notify; else it speaks of an unexpected end, or of errno.
    expect(output).toMatch(/^closed$/m)
  },
)

test('over the lane a TLS client is closed at once, and so is one that nothing is to be told', async () => {
  await using engine = await startTwoDoors({ bannerTooBusy, maxClients: 1 })
  await using inside = await engine.plain.connect()
  expect(await ask(inside)).toBe('hello')
  // Clients that never finish their handshake take up the lane, and no more than the lane.
  const silent = await Promise.all(Array.from({ length: 40 }, () => connectRaw({ port: engine.tls.port })))
  let closed = 0
  for (const { socket } of silent) socket.resume().once('end', () => closed++)
  await eventually(() => expect(closed).toBe(8))
  expect(await refusalOf({ port: engine.tls.port, servername: 'a.test' })).toMatch(/^(ECONNRESET|closed)$/)
  expect(silent.every(({ socket }) => socket.bytesRead === 0)).toBe(true)
  expect(await engine.closed('TooBusy')).toBe(9)
  for (const { socket } of silent) socket.destroy()
  await eventually(() => isTold(engine, engine.tls, 'TooBusy'))
  expect(await ask(inside)).toBe('hello')
})

test('with an empty bannerTooBusy it is closed at once and without a handshake', async () => {
  await using engine = await startTwoDoors({ bannerTooBusy: '', maxClients: 1 })
  await using _ = await engine.plain.connect()
  for (const door of [engine.tls, engine.plain]) {
    await using client = await connectRaw({ port: door.port })
    expect(await client.toEnd(2_000)).toHaveLength(0)
  }
})

test('clients of a plain listener that are told and stay cost no more descriptors than the lane has places', async () => {
  await using engine = await startTwoDoors({ bannerTooBusy, maxClients: 1 })
  await using _ = await engine.plain.connect()
  const before = await engine.openDescriptors()
  const started = performance.now()
  const clients = await Promise.all(Array.from({ length: 400 }, () => connectRaw({ port: engine.plain.port })))
  const told = await Promise.all(clients.map(async (client) => (await client.toEnd()).length > 0))
  // Each that is told may stay for two seconds.
  if (performance.now() - started < 1_500) expect(told.filter(Boolean)).toHaveLength(256)
  expect(await engine.openDescriptors()).toBeLessThanOrEqual(before + 256 + 8)
  for (const { socket } of clients) socket.destroy()
})

test('a client of a Redirect host is told in HTTP', async () => {
  await using engine = await startTwoDoors({ bannerTooBusy, maxClients: 1 }, { handler: { type: 'Redirect' } })
  await using _ = await engine.plain.connect()
  const answer = await fetch(`http://127.0.0.1:${engine.plain.port}/`, { redirect: 'manual' })
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await answer.text()).toBe(bannerTooBusy)
  await using client = await engine.tls.connect()
  client.socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  expect((await client.toEnd()).toString()).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n(.+\r\n)+\r\n421 too many/)
})

test('who takes long over its handshake makes room when there is none, the longest first', async () => {
  await using engine = await startTwoDoors({ bannerTooBusy, maxClients: 3 })
  const silent = []
  for (let i = 0; i < 3; i++) silent.push(await connectRaw({ port: engine.tls.port }))
  await eventually(async () => expect((await engine.status()).clients).toBe(3))
  const gone: number[] = []
  for (const [at, { socket }] of silent.entries()) socket.resume().once('end', () => gone.push(at))
  // After a second one place is passed on to each who comes.
  await using first = await eventually(
    async () => {
      const client = await engine.tls.connect()
      if ((await ask(client)) === 'hello') return client
      await client[Symbol.asyncDispose]()
      throw new Error('told that it is too busy')
    },
    { everyMs: 200 },
  )
  await using second = await engine.plain.connect()
  expect([await ask(first), await ask(second)]).toEqual(['hello', 'hello'])
  await eventually(() => expect(gone).toEqual([0, 1]))
  expect((await engine.status()).clients).toBe(3)
  expect(await engine.closed('TooSlow')).toBe(2)
  for (const { socket } of silent) socket.destroy()
})

test('a limit lowered below the clients inside closes nobody, and lets nobody in until enough have left', async () => {
  await using engine = await startTwoDoors({ bannerTooBusy, maxClients: 3 })
  await using one = await engine.tls.connect()
  await using two = await engine.tls.connect()
  expect([await ask(one), await ask(two)]).toEqual(['hello', 'hello'])
  await engine.changeSpec({ bannerTooBusy, maxClients: 1 })
  await isTold(engine, engine.tls, 'TooBusy')
  expect([await ask(one), await ask(two)]).toEqual(['hello', 'hello'])
  two.socket.end()
  await two.toEnd()
  await eventually(async () => expect((await engine.status()).clients).toBe(1))
  await isTold(engine, engine.tls, 'TooBusy')
})
