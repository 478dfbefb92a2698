import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Percent of what is in use by which the heap may grow before it is collected: by itself it grows to several times as much. */
const GROWTH = 25
/** Between two looks at how much memory is held. */
const LOOK_MS = 20_000
/** So many times what was held after the last collection is worth the next. */
const WORTH = 1.2

type Collect = (how: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void

/** The collector, which Node shows to those only who ask for it before they start. */
const exposeCollector = (): Collect => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return collect
}

/**
 * Keeps the memory of the process near what is in use: the heap grows in small steps, and what was needed while much was under
 * way is given back to the system once `isIdle` says that it is over, which the platform by itself leaves for hours.
 *
 * @returns ends it
 */
export function keepMemorySmall(isIdle: () => boolean, heldBytes: () => number = process.memoryUsage.rss): () => void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`)
  // The young generation is small: threads that share its collection take more time than they save.
  setFlagsFromString('--no-parallel-scavenge')
  const collect = exposeCollector()
  let least = 0
  const timer = setInterval(() => {
    if (!isIdle() || heldBytes() < least * WORTH) return
    collect({ type: 'major', flavor: 'last-resort' })
    least = heldBytes()
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
