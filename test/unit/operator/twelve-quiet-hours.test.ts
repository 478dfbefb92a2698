import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { statusBefore, trimServer } from '../../../operator/trim.ts'
import { heapInUse } from '../../support/collect-garbage.ts'
import { quietOperator } from './quiet-operator.ts'
import { NOW, parentOf } from './reconcile/sample.ts'

const SERVERS = 8
const HOUR_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers({ now: NOW }))
afterEach(() => void vi.useRealTimers())

test('twelve quiet hours: each pod is looked at once a minute, nothing is written, timers and memory stay', async () => {
  const { view, transport, reader, controller } = quietOperator(SERVERS)
  const end = new AbortController()
  const others = vi.getTimerCount()
  const led = controller.lead(end.signal)
  await vi.advanceTimersByTimeAsync(5 * 60_000)
  // The first report of each, and its events; from here on nothing is news.
  expect(transport.asked.filter((one) => one.endsWith('/status'))).toHaveLength(SERVERS)
  transport.asked.length = 0
  const [looks, timers] = [reader.count, vi.getTimerCount()]
  await vi.advanceTimersByTimeAsync(6 * HOUR_MS)
  // By now the program itself, too, is compiled and has its size.
  const heap = heapInUse()
  await vi.advanceTimersByTimeAsync(6 * HOUR_MS)
  // A report that is kept at each look would be many times as much.
  expect(heapInUse() - heap).toBeLessThan(1_000_000)
  expect(transport.asked).toEqual([])
  const perPod = (reader.count - looks) / SERVERS / 2
  expect(perPod).toBeGreaterThan(12 * 60 - 1)
  expect(perPod).toBeLessThan((12 * 60) / 0.9 + 2)
  expect([timers - others, vi.getTimerCount() - others, controller.queue?.delayed]).toEqual(Array(3).fill(SERVERS))

  // It is awake all the same: a change is obeyed at once.
  const server = view.servers.get('shop/edge-7')
  if (server === undefined) throw new Error('it is gone')
  const metadata = { ...server.metadata, generation: 4, resourceVersion: '1000' }
  const { spec } = parentOf({ maxClients: 5 })
  view.servers.put(trimServer({ ...server, metadata, spec, status: statusBefore(server) }))
  await vi.advanceTimersByTimeAsync(0)
  expect(transport.asked).toContain('PATCH /api/v1/namespaces/shop/configmaps/edge-7-ics')
  end.abort()
  await led
  expect(vi.getTimerCount()).toBe(others)
}, 120_000)
