import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepMemorySmall } from '../../../operator/memory.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Whether a dead object was collected; the collector is that of this process. */
const witness = () => {
  const dead = new WeakRef({ large: new Array(1_000).fill(0) })
  return () => dead.deref() === undefined
}

test('what is dead is collected once all is idle, and again when much more is held than after the last time', async () => {
  let isIdle = false
  let held = 100
  let asked = 0
  const end = keepMemorySmall(
    () => isIdle,
    () => {
      asked += 1
      return held
    },
  )
  /** One look; it asks once, and once more after a collection. */
  const look = async () => {
    asked = 0
    await vi.advanceTimersByTimeAsync(20_000)
    return asked
  }
  const isCollected = witness()
  expect(await look()).toBe(0)
  isIdle = true
  expect(await look()).toBe(2)
  expect(isCollected()).toBe(true)
  held = 119
  expect(await look()).toBe(1)
  held = 121
  expect(await look()).toBe(2)
  expect(await look()).toBe(1)
  isIdle = false
  held = 1_000
  expect(await look()).toBe(0)
  expect(vi.getTimerCount()).toBe(1)
  end()
  expect(vi.getTimerCount()).toBe(0)
})
