import type { Clock } from '../../sidecar/base/clock.ts'

/** Spreads what comes in bursts: so many at once, then so many a second, each with the time it has to wait. */
export class RateLimit {
  readonly #perMs: number
  readonly #burst: number
  readonly #clock: Clock
  #tokens: number
  #at: number

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#clock = clock
    this.#tokens = burst
    this.#at = clock.now()
  }

  /** Takes a place; the milliseconds until it comes. Places are handed out in the order of the calls. */
  reserve(): number {
    const now = this.#clock.now()
    // A clock that is set back gives nothing, and takes nothing.
    if (now > this.#at) this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
    this.#tokens -= 1
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs
  }
}
