/** Upper bounds of the delay's histogram, in seconds. A timer is late by a millisecond or two at rest. */
export const DELAY_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Milliseconds between two samples: no stall that is longer goes unseen. */
const SAMPLE_MS = 20

/** What was sampled so far: `buckets[i]` those at most `DELAY_BOUNDS[i]` and above the bound before it. */
export interface DelayCounts {
  readonly buckets: readonly number[]
  /** Seconds. */
  readonly sum: number
  readonly count: number
}

/**
 * Samples how late the event loop is for a timer. `monitorEventLoopDelay` would do so natively, but Bun has none, and
 * its percentiles since the last look are right for one reader alone, while sums can be read by any number of them.
 */
export class EventLoopDelay {
  readonly #buckets = DELAY_BOUNDS.map(() => 0)
  readonly #timer: NodeJS.Timeout
  #sum = 0
  #count = 0
  #due: number

  constructor() {
    this.#due = performance.now() + SAMPLE_MS
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#timer.unref()
  }

  get counts(): DelayCounts {
    return { buckets: this.#buckets, sum: this.#sum, count: this.#count }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    const now = performance.now()
    const seconds = Math.max(0, now - this.#due) / 1000
    this.#due = now + SAMPLE_MS
    this.#sum += seconds
    this.#count += 1
    const bucket = DELAY_BOUNDS.findIndex((bound) => seconds <= bound)
    if (bucket !== -1) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }
}
