import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** Bytes by which the heap may grow between two collections of the whole of it. */
const ROOM = 48 * 1024 * 1024
const MOST_PERCENT = 200
/** Below that V8 decides by itself. */
const LEAST_PERCENT = 15
const LOOK_MS = 10_000

/** By how many percent of what is in use the heap may grow; 0 leaves it to V8. @param used Bytes. */
export function growthPercent(used: number): number {
  const percent = Math.min(MOST_PERCENT, Math.floor((ROOM / used) * 100))
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
  const look = () => setFlagsFromString(`--heap-growing-percent=${growthPercent(getHeapStatistics().used_heap_size)}`)
  look()
  const timer = setInterval(look, LOOK_MS).unref()
  return () => clearInterval(timer)
}
