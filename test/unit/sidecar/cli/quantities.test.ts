import { expect, test } from 'vitest'
import { shortBytes, shortDuration, shortNumber } from '../../../../sidecar/cli/quantities.ts'

test.each([
  [0, '0'],
  [0.04, '0.0'],
  [0.5, '0.5'],
  [9.94, '9.9'],
  [9.96, '10'],
  [999, '999'],
  [999.6, '1.0k'],
  [1000, '1k'],
  [1500, '1.5k'],
  [23_456_789, '23M'],
  [1e18, '1000P'],
])('shortNumber(%d) is %s', (value, text) => expect(shortNumber(value)).toBe(text))

test('shortBytes() has the unit', () => {
  expect([shortBytes(0), shortBytes(1500)]).toEqual(['0B', '1.5kB'])
})

test.each([
  [-5, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m0s'],
  [3_599_000, '59m59s'],
  [3_600_000, '1h0m'],
  [90_000_000, '1d1h'],
  [99 * 86_400_000, '99d0h'],
  [400 * 86_400_000, '400d'],
])('shortDuration(%d) is %s', (milliseconds, text) => expect(shortDuration(milliseconds)).toBe(text))
