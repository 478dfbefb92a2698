import { expect, test } from 'vitest'
import { RestingText } from '../../../operator/resting-text.ts'
import { heapInUse } from '../../support/collect-garbage.ts'

const long = JSON.stringify(Array.from({ length: 3_000 }, (_, at) => ({ hostTag: `shop-${at}`, note: 'grün 😀' })))

test.each(['', '{}', 'ü€😀', long])(
  'a text is the same before it rests, while it does, and each time it is read',
  (text) => {
    const kept = new RestingText(text)
    expect(kept.read() === text).toBe(true)
    for (let time = 0; time < 2; time += 1) {
      kept.rest()
      expect([kept.read() === text, kept.read() === text]).toEqual([true, true])
    }
  },
)

test('texts that rest take less than half of the room', () => {
  const before = heapInUse()
  const texts = Array.from(
    { length: 2_000 },
    (_, at) => new RestingText(JSON.stringify({ at, long: long.slice(at, at + 2_000) })),
  )
  const awake = heapInUse() - before
  for (const text of texts) text.rest()
  expect(heapInUse() - before).toBeLessThan(awake / 2)
  expect(texts[7]?.read().length).toBeGreaterThan(2_000)
})
