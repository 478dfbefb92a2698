import { expect, test } from 'vitest'
import { growthPercent } from '../../../../sidecar/base/heap-growth.ts'

const MB = 1024 * 1024

test('a small heap may grow to three times of what it holds, a larger one by some megabytes, and V8 decides of a large one', () => {
  const grown = [5, 20, 48, 100, 200, 400].map((used) => [used, growthPercent(used * MB)])
  expect(grown).toEqual([
    [5, 200],
    [20, 200],
    [48, 100],
    [100, 48],
    [200, 24],
    [400, 0],
  ])
})
