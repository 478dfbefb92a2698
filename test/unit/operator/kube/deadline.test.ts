import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { withDeadline } from '../../../../operator/kube/deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Goes on until its signal comes. */
const endless = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })

test('what is done in time is had, and no timer is left', async () => {
  const stop = new AbortController()
  expect(await withDeadline(1_000, stop.signal, async () => 'done')).toBe('done')
  await expect(withDeadline(1_000, undefined, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  expect(vi.getTimerCount()).toBe(0)
})

test('what takes longer ends in its time, and says so', async () => {
  const late = expect(withDeadline(1_500, undefined, endless)).rejects.toThrow('no answer within 1.5 s')
  await vi.advanceTimersByTimeAsync(1_499)
  expect(vi.getTimerCount()).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  await late
  expect(vi.getTimerCount()).toBe(0)
})

test('it ends with the signal that was given, also one that came before, with its cause', async () => {
  const stop = new AbortController()
  const ended = expect(withDeadline(1_000, stop.signal, endless)).rejects.toThrow('the lease is lost')
  stop.abort(new Error('the lease is lost'))
  await ended
  await expect(withDeadline(1_000, stop.signal, endless)).rejects.toThrow('the lease is lost')
  expect(vi.getTimerCount()).toBe(0)
})
