import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BackOff } from '../../../../operator/queue/back-off.ts'
import { RateLimit } from '../../../../operator/queue/rate-limit.ts'
import { type QueueObserver, WorkQueue } from '../../../../operator/queue/work-queue.ts'
import { systemClock } from '../../../../sidecar/base/clock.ts'

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const createQueue = (observer?: QueueObserver, perSecond = 10, burst = 100) =>
  new WorkQueue({
    clock: systemClock,
    backOff: new BackOff({ firstMs: 100, mostMs: 60_000, random: () => 0 }),
    rate: new RateLimit(perSecond, burst, systemClock),
    ...(observer ? { observer } : {}),
  })

/** Work that ends when the test says so. */
const heldWork = () => {
  const started: string[] = []
  const ends: (() => void)[] = []
  const process = (key: string) => {
    started.push(key)
    return new Promise<void>((resolve) => ends.push(resolve))
  }
  const endNext = async () => {
    ends.shift()?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { started, process, endNext }
}

test('a key added many times before a worker takes it is worked on once', async () => {
  const queue = createQueue()
  const work = heldWork()
  for (let i = 0; i < 100; i++) queue.add('a')
  expect(queue.depth).toBe(1)
  queue.start(4, work.process)
  expect(work.started).toEqual(['a'])
  await work.endNext()
  expect([work.started, queue.depth, queue.active]).toEqual([['a'], 0, 0])
})

test('a key added while it is worked on is worked on once more, after that and never beside it', async () => {
  const queue = createQueue()
  const work = heldWork()
  queue.start(4, work.process)
  queue.add('a')
  for (let i = 0; i < 10; i++) queue.add('a')
  expect([work.started, queue.depth]).toEqual([['a'], 1])
  await work.endNext()
  expect([work.started, queue.depth]).toEqual([['a', 'a'], 0])
  await work.endNext()
  expect(work.started).toEqual(['a', 'a'])
})

test('no more keys are worked on at a time than there are workers, first come first served', async () => {
  const queue = createQueue()
  const work = heldWork()
  queue.start(2, work.process)
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
  expect(work.started).toEqual(['a', 'b'])
  await work.endNext()
  expect(work.started).toEqual(['a', 'b', 'c'])
})

test('keys that were begun, or asked for again, come before new ones, which get every fourth turn', async () => {
  const queue = createQueue()
  const work = heldWork()
  queue.start(1, work.process)
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    queue.add(key)
    await work.endNext()
  }
  queue.add('held')
  for (const key of ['n1', 'n2', 'n3', 'n4', 'a', 'b', 'c', 'd', 'e']) queue.add(key)
  queue.add('n3')
  for (let at = 0; at < 10; at++) await work.endNext()
  expect(work.started.slice(6)).toEqual(['a', 'b', 'n1', 'c', 'd', 'e', 'n2', 'n3', 'n4'])
  expect([queue.depth, queue.active]).toEqual([0, 0])
})

test('a key that was forgotten is new again', async () => {
  const queue = createQueue()
  const work = heldWork()
  queue.start(1, work.process)
  queue.add('a')
  queue.forget('a')
  await work.endNext()
  queue.forget('a')
  queue.add('held')
  for (const key of ['b', 'a']) queue.add(key)
  for (let at = 0; at < 3; at++) await work.endNext()
  expect(work.started).toEqual(['a', 'held', 'b', 'a'])
})

test('a delayed key comes in its time, the soonest of several delays counts, and an add at once takes its place', async () => {
  const queue = createQueue()
  const done: string[] = []
  queue.start(1, async (key) => void done.push(key))
  queue.addAfter('a', 5_000)
  queue.addAfter('a', 1_000)
  queue.addAfter('a', 9_000)
  expect(queue.delayed).toBe(1)
  await vi.advanceTimersByTimeAsync(999)
  expect(done).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toEqual(['a'])
  queue.addAfter('b', 1_000)
  queue.add('b')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(done).toEqual(['a', 'b'])
})

test('a key that fails is tried again after growing pauses, and after a short one again once it succeeded', async () => {
  const queue = createQueue()
  const at: number[] = []
  const from = Date.now()
  let failing = true
  queue.start(1, async (key) => {
    at.push(Date.now() - from)
    if (failing) queue.retry(key)
    else queue.succeeded(key)
  })
  queue.add('a')
  await vi.advanceTimersByTimeAsync(1_500)
  expect(at).toEqual([0, 100, 300, 700, 1_500])
  failing = false
  await vi.advanceTimersByTimeAsync(1_600)
  failing = true
  queue.add('a')
  await vi.advanceTimersByTimeAsync(100)
  expect(at.slice(-2)).toEqual([3_100, 3_200])
})

test('retries over all keys together keep to the rate beyond the burst', async () => {
  const queue = createQueue(undefined, 10, 5)
  const waits = Array.from({ length: 10 }, (_, i) => queue.retry(`key-${i}`))
  expect(waits).toEqual([100, 100, 100, 100, 100, 100, 200, 300, 400, 500])
  await queue.close()
})

test('closing starts nothing more, waits for what is worked on, and leaves no timer', async () => {
  const queue = createQueue()
  const work = heldWork()
  queue.start(1, work.process)
  queue.add('a')
  queue.add('b')
  queue.addAfter('c', 1_000)
  const closed = queue.close()
  let isClosed = false
  void closed.then(() => {
    isClosed = true
  })
  await vi.advanceTimersByTimeAsync(5_000)
  expect([work.started, isClosed]).toEqual([['a'], false])
  queue.add('a')
  await work.endNext()
  await closed
  queue.add('d')
  expect([work.started, queue.depth, vi.getTimerCount()]).toEqual([['a'], 0, 0])
})

test('a forgotten key leaves nothing behind', async () => {
  const queue = createQueue()
  queue.retry('a')
  queue.retry('a')
  queue.forget('a')
  expect([queue.delayed, vi.getTimerCount(), queue.retry('a')]).toEqual([0, 0, 100])
  await queue.close()
})

test('depth, waiting and working times are told', async () => {
  const told: [string, number?][] = []
  const queue = createQueue({
    added: () => told.push(['added']),
    retried: () => told.push(['retried']),
    waited: (seconds) => told.push(['waited', seconds]),
    worked: (seconds) => told.push(['worked', seconds]),
    looked: () => told.push(['looked']),
  })
  queue.add('a')
  await vi.advanceTimersByTimeAsync(1_500)
  queue.add('a')
  await vi.advanceTimersByTimeAsync(500)
  queue.start(1, () => sleep(3_000))
  await vi.advanceTimersByTimeAsync(3_000)
  expect(told).toEqual([['added'], ['waited', 2], ['worked', 3]])
})

test('a key that rests is told to be looked at when its time came, and not when it was news before', async () => {
  let looks = 0
  const queue = createQueue({ added() {}, retried() {}, waited() {}, worked() {}, looked: () => void looks++ })
  const done: string[] = []
  queue.start(1, async (key) => {
    done.push(key)
    queue.rest(key, 1_000)
  })
  queue.add('a')
  await vi.advanceTimersByTimeAsync(1_000)
  expect([done.length, looks]).toEqual([2, 1])
  await vi.advanceTimersByTimeAsync(500)
  queue.add('a')
  await vi.advanceTimersByTimeAsync(999)
  expect([done.length, looks]).toEqual([3, 1])
  await queue.close()
})

/** A queue of one worker that is held, with these keys at rest. */
const restingQueue = async (...keys: string[]) => {
  const queue = createQueue()
  const work = heldWork()
  queue.start(1, work.process)
  for (const key of keys) {
    queue.add(key)
    queue.rest(key, 60_000)
    await work.endNext()
  }
  queue.add('held')
  const before = work.started.length
  const endAll = async () => {
    while (queue.active > 0) await work.endNext()
    return work.started.slice(before)
  }
  return { ...work, queue, endAll }
}

test('news of one that rested passes thousands that are new or begun, and so does what follows from it', async () => {
  const { queue, endAll, endNext, started } = await restingQueue('shop')
  for (let at = 0; at < 2_000; at++) queue.add(`new-${at}`)
  for (let at = 0; at < 1_000; at++) queue.add(`new-${at}`)
  for (let step = 0; step < 3; step++) {
    const before = started.length
    queue.add('shop')
    await endNext()
    await endNext()
    expect(started.slice(before)).toContain('shop')
  }
  expect(new Set(await endAll()).size).toBe(2_001)
})

test('looks at thousands that rest hold up neither news nor new ones, and new ones do not hold up looks for ever', async () => {
  const resting = Array.from({ length: 50 }, (_, at) => `rest-${at}`)
  const { queue, endAll } = await restingQueue(...resting)
  for (const key of resting.slice(1)) queue.rest(key, 0)
  for (let at = 0; at < 50; at++) queue.add(`new-${at}`)
  queue.add('rest-0')
  const order = await endAll()
  expect(order[0]).toBe('rest-0')
  const looks = order.slice(0, 41).filter((key) => key.startsWith('rest-')).length
  expect(looks).toBeGreaterThanOrEqual(30)
  expect(looks).toBeLessThanOrEqual(32)
  expect(new Set(order).size).toBe(100)
})

test('a key that waits to be looked at and becomes news keeps its time and waits once', async () => {
  const waits: number[] = []
  const queue = createQueue({
    ...{ added() {}, retried() {}, worked() {}, looked: () => void waits.push(Number.NaN) },
    waited: (seconds) => void waits.push(seconds),
  })
  queue.rest('a', 0)
  await vi.advanceTimersByTimeAsync(2_000)
  queue.add('a')
  expect(queue.depth).toBe(1)
  await vi.advanceTimersByTimeAsync(1_000)
  queue.start(1, async () => {})
  await vi.advanceTimersByTimeAsync(0)
  expect(waits).toEqual([3])
})

test('twelve quiet hours of two hundred keys that ask to be looked at each minute keep one timer a key', async () => {
  const queue = createQueue()
  let count = 0
  queue.start(8, async (key) => {
    count += 1
    queue.succeeded(key)
    queue.addAfter(key, 60_000)
  })
  for (let i = 0; i < 200; i++) queue.add(`ns/${i}`)
  await vi.advanceTimersByTimeAsync(12 * 3_600_000)
  expect([count, queue.delayed, vi.getTimerCount()]).toEqual([144_200, 200, 200])
  await queue.close()
}, 60_000)

test('however adds, delays and ends are interleaved, no key is on two workers and none that was added is lost', async () => {
  const step = fc.tuple(
    fc.constantFrom('add', 'after', 'rest', 'retry', 'tick'),
    fc.constantFrom('a', 'b', 'c'),
    fc.nat(50),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, workers) => {
      const queue = createQueue()
      const active = new Set<string>()
      const lastStart = new Map<string, number>()
      const lastAdd = new Map<string, number>()
      let order = 0
      queue.start(workers, async (key) => {
        expect(active.has(key)).toBe(false)
        active.add(key)
        lastStart.set(key, ++order)
        await sleep(7)
        active.delete(key)
      })
      for (const [what, key, n] of steps) {
        if (what === 'tick') await vi.advanceTimersByTimeAsync(n)
        else {
          lastAdd.set(key, ++order)
          if (what === 'add') queue.add(key)
          else if (what === 'after') queue.addAfter(key, n)
          else if (what === 'rest') queue.rest(key, n)
          else queue.retry(key)
        }
      }
      await vi.advanceTimersByTimeAsync(1_000_000)
      for (const [key, added] of lastAdd) expect(lastStart.get(key)).toBeGreaterThan(added)
      expect([queue.depth, queue.active, queue.delayed]).toEqual([0, 0, 0])
    }),
    { numRuns: 60 },
  )
})
