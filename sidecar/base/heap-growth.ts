import { totalmem } from 'node:os'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** Bytes by which the heap may grow between two collections of the whole of it, where the memory is there. */
const MOST_ROOM = 128 * 1024 * 1024
/** The share of the memory there is, of which other workers take theirs, and most is for clients and what lies outside of the heap. */
const SHARE = 1 / 8
const MOST_PERCENT = 1000
/** Below that V8 decides by itself. */
const LEAST_PERCENT = 15
const LOOK_MS = 10_000

/**
 * By how many percent of what is in use the heap may grow; 0 leaves it to V8.
 * @param used Bytes.
 * @param memory Bytes that the process may use: the limit of its container, or what the machine has.
 */
export function growthPercent(used: number, memory: number): number {
  const room = Math.min(MOST_ROOM, memory * SHARE)
  const percent = Math.min(MOST_PERCENT, Math.floor((room / used) * 100))
  return percent < LEAST_PERCENT ? 0 : percent
}

/**
 * Gives the heap of this process room to grow. By itself V8 lets a small heap grow by a tenth, and counts what reads and
 * TLS connections hold outside of it as growth, though a collection of the young frees that: a busy server would collect
 * its whole heap every two hundred handshakes, at a tenth of their cost. For a program of its own, not for a library: the
 * setting is that of the process. Bun has another collector.
 *
 * @returns ends it
 */
export function letHeapGrow(): () => void {
  if (process.versions.bun !== undefined) return () => {}
  // 0 where the system has no limits of this kind, more than there is where a container has none.
  const memory = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
  const look = () =>
    setFlagsFromString(`--heap-growing-percent=${growthPercent(getHeapStatistics().used_heap_size, memory)}`)
  look()
  const timer = setInterval(look, LOOK_MS).unref()
  return () => clearInterval(timer)
}
