import { expect, test, vi } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { connectRaw } from '../support/raw-client.ts'
import { ask, startTwoDoors, type TwoDoors } from '../support/two-doors.ts'

// Much of it is waiting for time to pass, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

const bannerTooBusy = 'too fast\r\n'
const limited = (perSecond: number, burst: number) => ({
  ...{ bannerTooBusy, access: { acceptRatePerSource: { perSecond, burst } } },
})

/** Opens plain clients at once, and tells how many were served, told, and closed without a word. */
async function rush(engine: TwoDoors, count: number, localAddress = '127.0.0.1') {
  const outcomes = { served: 0, told: 0, silent: 0 }
  await Promise.all(
    Array.from({ length: count }, async () => {
      await using client = await connectRaw({ port: engine.plain.port, localAddress })
      client.socket.end('ping')
      const answer = (await client.toEnd()).toString()
      outcomes[answer === 'ping' ? 'served' : answer === bannerTooBusy ? 'told' : 'silent'] += 1
    }),
  )
  return outcomes
}

test('as many as the burst are served at once, and from then on as many as the rate allows', async () => {
  await using engine = await startTwoDoors(limited(2, 5))
  const started = performance.now()
  const first = await rush(engine, 30)
  const most = () => 5 + ((performance.now() - started) / 1000) * 2
  expect(first.served).toBeGreaterThanOrEqual(5)
  expect(first.served).toBeLessThanOrEqual(most())
  // The others are told, as each who is over a limit, and their end is clean.
  expect(first).toMatchObject({ told: 30 - first.served, silent: 0 })
  expect(await engine.closed('TooFast')).toBe(first.told)
  // Another source has a rate of its own.
  expect((await rush(engine, 5, '127.0.0.2')).served).toBe(5)

  let served = first.served
  await eventually(
    async () => {
      served += (await rush(engine, 1)).served
      expect(served).toBeGreaterThanOrEqual(first.served + 3)
    },
    { withinMs: 10_000, everyMs: 100 },
  )
  expect(served).toBeLessThanOrEqual(most())
  expect(performance.now() - started).toBeGreaterThan(1_000)
})

test('without a burst as many are served at once as the rate has in a second', async () => {
  await using engine = await startTwoDoors(limited(4, 0))
  const started = performance.now()
  const { served } = await rush(engine, 20)
  expect(served).toBeGreaterThanOrEqual(4)
  expect(served).toBeLessThanOrEqual(4 + ((performance.now() - started) / 1000) * 4)
})

test('on a TLS listener a source that is too fast is told once a second, and costs no handshake else', async () => {
  await using engine = await startTwoDoors(limited(1, 1))
  await using first = await engine.tls.connect()
  expect(await ask(first)).toBe('hello')
  const started = performance.now()
  let told = 0
  let silent = 0
  while (told + silent < 30) {
    try {
      await using client = await engine.tls.connect()
      client.socket.end('ping')
      if ((await client.toEnd()).toString() === bannerTooBusy) told += 1
    } catch {
      silent += 1
    }
  }
  const seconds = (performance.now() - started) / 1000
  expect(told).toBeGreaterThanOrEqual(1)
  expect(told).toBeLessThanOrEqual(1 + seconds)
  expect(await engine.closed('TooFast')).toBe(told + silent)
  expect(await ask(first)).toBe('hello')
})
