import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BackOff } from '../../../../operator/queue/back-off.ts'

test('waiting doubles with each failure up to its bound, for each key alone', () => {
  const backOff = new BackOff({ firstMs: 100, mostMs: 1_000, random: () => 0 })
  expect([1, 2, 3, 4, 5, 6].map(() => backOff.next('a'))).toEqual([100, 200, 400, 800, 1_000, 1_000])
  expect(backOff.next('b')).toBe(100)
  expect(backOff.failures('a')).toBe(6)
})

test('a key that succeeded begins anew', () => {
  const backOff = new BackOff({ firstMs: 100, mostMs: 1_000, random: () => 0 })
  for (let i = 0; i < 5; i++) backOff.next('a')
  backOff.forget('a')
  expect(backOff.failures('a')).toBe(0)
  expect(backOff.next('a')).toBe(100)
})

test('whatever happened before, a wait is positive, at most the bound, and shortened by at most a quarter', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const backOff = new BackOff({ firstMs: 50, mostMs: 60_000, random: () => random })
      let wait = 0
      for (let i = 0; i <= failures; i++) wait = backOff.next('a')
      const whole = Math.min(60_000, 50 * 2 ** Math.min(failures, 31))
      expect(wait).toBeGreaterThanOrEqual(whole * 0.75)
      expect(wait).toBeLessThanOrEqual(whole)
    }),
    { numRuns: 50 },
  )
})
