import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { heapInUse } from '../../support/collect-garbage.ts'
import { quietOperator } from './quiet-operator.ts'
import { NOW } from './reconcile/sample.ts'

const MINUTES = 5 * 60_000
/** Some of it is this test's: each SocketServer as it was declared. */
const MOST_BYTES = 11_000

beforeEach(() => void vi.useFakeTimers({ now: NOW }))
afterEach(() => void vi.useRealTimers())

/** Bytes that are in use when so many SocketServers have been at rest for minutes. */
async function bytesWith(count: number): Promise<number> {
  const { controller, transport, view } = quietOperator(count)
  const end = new AbortController()
  const led = controller.lead(end.signal)
  await vi.advanceTimersByTimeAsync(MINUTES)
  transport.asked.length = 0
  const bytes = heapInUse()
  expect([view.servers.size, controller.queue?.delayed]).toEqual([count, count])
  end.abort()
  await led
  return bytes
}

test('a SocketServer at rest takes a few kilobytes: specifications, reports and children are not kept as objects', async () => {
  // What is compiled and cached once is there before.
  await bytesWith(50)
  const few = await bytesWith(50)
  const many = await bytesWith(650)
  expect((many - few) / 600).toBeLessThan(MOST_BYTES)
}, 120_000)
