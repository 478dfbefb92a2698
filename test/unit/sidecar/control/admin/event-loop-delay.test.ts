import { afterEach, expect, test } from 'vitest'
import { DELAY_BOUNDS, EventLoopDelay } from '../../../../../sidecar/control/admin/event-loop-delay.ts'
import { eventually } from '../../../../support/eventually.ts'

let delay: EventLoopDelay | undefined
afterEach(() => delay?.close())

test('a loop that was held up for 120 ms is seen as late by about that', async () => {
  delay = new EventLoopDelay()
  const end = performance.now() + 140
  while (performance.now() < end);
  const counts = await eventually(() => {
    const now = delay?.counts
    expect(now?.count).toBeGreaterThan(0)
    return now
  })
  // It was due 20 ms after the start of a stall of 140 ms.
  const late = (counts?.buckets ?? []).slice(DELAY_BOUNDS.indexOf(0.1) + 1).reduce((a, b) => a + b, 0)
  expect(late).toBe(1)
  expect(counts?.sum).toBeGreaterThan(0.1)
})

test('samples are taken all the time, and no more once it is closed', async () => {
  delay = new EventLoopDelay()
  await eventually(() => expect(delay?.counts.count).toBeGreaterThan(5))
  delay.close()
  const { count } = delay.counts
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(delay.counts.count).toBe(count)
})
