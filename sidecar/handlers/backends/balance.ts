import type { Balance } from '../../../crds/index.ts'
import type { Backend } from './backend.ts'

/** Chooses one of several backends, each of a weight above 0. Undefined when there is none. */
export type Balancer = (candidates: readonly Backend[]) => Backend | undefined

/** The way of choosing that a balance names. @param random A number from 0 up to 1, as of `Math.random`. */
export function createBalancer(balance: Balance, random: () => number): Balancer {
  switch (balance) {
    case 'RoundRobin':
      return inTurn
    case 'LeastClients':
      return fewestClients
    case 'Random':
      return (candidates) => byChance(candidates, random())
  }
}

/**
 * Smooth weighted round robin: each turn every backend gains its weight and the richest pays for all, so that 5:1
 * is spread over the turns rather than five in a row.
 */
function inTurn(candidates: readonly Backend[]): Backend | undefined {
  let total = 0
  let best: Backend | undefined
  for (const backend of candidates) {
    total += backend.weight
    backend.credit += backend.weight
    if (!best || backend.credit > best.credit) best = backend
  }
  if (best) best.credit -= total
  return best
}

/** The one that has the fewest clients for its weight with this one counted; in turn among equals. */
function fewestClients(candidates: readonly Backend[]): Backend | undefined {
  let equals: Backend[] = []
  let least = Number.POSITIVE_INFINITY
  for (const backend of candidates) {
    const load = (backend.clients + 1) / backend.weight
    if (load > least) continue
    if (load < least) equals = []
    least = load
    equals.push(backend)
  }
  return equals.length > 1 ? inTurn(equals) : equals[0]
}

function byChance(candidates: readonly Backend[], chance: number): Backend | undefined {
  let total = 0
  for (const backend of candidates) total += backend.weight
  let left = chance * total
  for (const backend of candidates) {
    left -= backend.weight
    if (left < 0) return backend
  }
  return candidates.at(-1)
}
