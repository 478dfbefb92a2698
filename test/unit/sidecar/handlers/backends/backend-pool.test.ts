import { describe, expect, test } from 'vitest'
import type { Balance } from '../../../../../crds/index.ts'
import type { Backend } from '../../../../../sidecar/handlers/backends/backend.ts'
import { BackendPool } from '../../../../../sidecar/handlers/backends/backend-pool.ts'

/** A pool of backends `a`, `b`, ... with these weights. */
function pool(
  balance: Balance,
  weights: readonly number[],
  options: { random?: () => number; now?: () => number } = {},
) {
  const specs = weights.map((weight, at) => ({ host: String.fromCharCode(97 + at), port: 1, weight }))
  return new BackendPool(specs, balance, undefined, options.random ?? Math.random, options.now ?? (() => 0))
}

const letter = (backend: Backend | undefined) => backend?.name[0] ?? '-'

const draw = (from: BackendPool, count: number) => Array.from({ length: count }, () => letter(from.choose([]))).join('')

const shares = (drawn: string) =>
  Object.fromEntries([...new Set(drawn)].sort().map((each) => [each, drawn.split(each).length - 1]))

describe('RoundRobin', () => {
  test('takes equals in turn', () => {
    expect(draw(pool('RoundRobin', [1, 1, 1]), 7)).toBe('abcabca')
  })

  test('gives each its weight exactly, without runs', () => {
    expect(draw(pool('RoundRobin', [5, 1, 1]), 7)).toBe('aabacaa')
    expect(shares(draw(pool('RoundRobin', [700, 200, 100]), 1000))).toEqual({ a: 700, b: 200, c: 100 })
  })

  test('leaves out a backend of weight 0', () => {
    expect(draw(pool('RoundRobin', [1, 0, 1]), 4)).toBe('acac')
  })
})

describe('LeastClients', () => {
  test('takes the one with the fewest clients', () => {
    const from = pool('LeastClients', [1, 1, 1])
    const served = Array.from({ length: 6 }, () => {
      const backend = from.choose([])
      backend?.enter()
      return backend
    })
    expect(shares(served.map(letter).join(''))).toEqual({ a: 2, b: 2, c: 2 })
    served[1]?.left()
    expect(draw(from, 3)).toBe(letter(served[1]).repeat(3))
  })

  test('counts clients by weight', () => {
    const from = pool('LeastClients', [3, 1])
    const drawn = Array.from({ length: 400 }, () => {
      const backend = from.choose([])
      backend?.enter()
      return letter(backend)
    })
    expect(shares(drawn.join(''))).toEqual({ a: 300, b: 100 })
  })

  test('takes idle equals in turn', () => {
    expect(draw(pool('LeastClients', [1, 1]), 4)).toBe('abab')
  })
})

describe('Random', () => {
  test('gives each its weight of the chances', () => {
    let step = 0
    const random = () => (step++ % 1000) / 1000
    expect(shares(draw(pool('Random', [6, 0, 3, 1], { random }), 1000))).toEqual({ a: 600, c: 300, d: 100 })
  })

  test('is near its weights with real chance', () => {
    const { a = 0 } = shares(draw(pool('Random', [3, 1]), 20_000))
    expect(a).toBeGreaterThan(14_400)
    expect(a).toBeLessThan(15_600)
  })
})

describe.each(['RoundRobin', 'LeastClients', 'Random'] as const)('%s, and ejected backends', (balance) => {
  test('passes them over until their time is up', () => {
    let now = 0
    const from = pool(balance, [1, 1, 1], { now: () => now })
    const failing = from.choose([]) as Backend
    from.failed(failing)
    expect(draw(from, 30)).not.toContain(letter(failing))
    now = 1_000
    expect(draw(from, 300)).toContain(letter(failing))
  })

  test('tries them all when all are ejected, each once for a client', () => {
    const from = pool(balance, [1, 1, 1, 0])
    const tried: Backend[] = []
    for (let backend = from.choose(tried); backend; backend = from.choose(tried)) {
      from.failed(backend)
      tried.push(backend)
    }
    expect(tried.map(letter).sort().join('')).toBe('abc')
    expect(shares(draw(from, 300))).toHaveProperty('a')
  })
})
