import { expect, test } from 'vitest'
import { growthPercent } from '../../../../sidecar/base/heap-growth.ts'

const MB = 1024 * 1024

test('a small heap may grow to many times of what it holds, a larger one by some megabytes, and V8 decides of a large one', () => {
  const grown = [5, 16, 64, 128, 512, 1024].map((used) => [used, growthPercent(used * MB, 16_384 * MB)])
  expect(grown).toEqual([
    [5, 1000],
    [16, 800],
    [64, 200],
    [128, 100],
    [512, 25],
    [1024, 0],
  ])
})

test('where memory is scarce, the heap may grow by an eighth of it', () => {
  const grown = [32, 64, 256, 512, 2048].map((memory) => [memory, growthPercent(20 * MB, memory * MB)])
  expect(grown).toEqual([
    [32, 20],
    [64, 40],
    [256, 160],
    [512, 320],
    [2048, 640],
  ])
})
