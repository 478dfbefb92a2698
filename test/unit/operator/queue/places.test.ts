import { expect, test } from 'vitest'
import { Places } from '../../../../operator/queue/places.ts'

test('no more are at work than there are places, in the order of coming, and a failure gives its place back', async () => {
  const places = new Places(2)
  const began: number[] = []
  const ends: (() => void)[] = []
  let most = 0
  let busy = 0
  const work = (name: number) =>
    places.use(async () => {
      began.push(name)
      busy += 1
      most = Math.max(most, busy)
      await new Promise<void>((resolve) => ends.push(resolve))
      busy -= 1
      if (name % 2 === 0) throw new Error(`${name} failed`)
      return name
    })
  const all = [0, 1, 2, 3, 4].map((name) => work(name).catch((error: Error) => error.message))
  expect(began).toEqual([0, 1])
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  for (let end = 0; end < 5; end += 1) {
    ends[end]?.()
    await turn()
    // A place that was given on is not free for who comes after that.
    if (end === 0) all.push(work(5).catch((error: Error) => error.message))
    expect(busy).toBe(end < 4 ? 2 : 1)
  }
  ends[5]?.()
  expect(await Promise.all(all)).toEqual(['0 failed', 1, '2 failed', 3, '4 failed', 5])
  expect([began, most]).toEqual([[0, 1, 2, 3, 4, 5], 2])
})
