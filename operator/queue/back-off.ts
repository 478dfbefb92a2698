/** How waiting grows with failures. */
export interface BackOffOptions {
  /** Milliseconds after the first failure. */
  readonly firstMs: number
  /** Milliseconds that no wait exceeds. */
  readonly mostMs: number
  /** A number from 0 up to and without 1; every wait is shortened by up to a quarter of itself with it. */
  readonly random?: () => number
}

/** Counts the failures of each key and says how long to wait before the next try: twice as long each time, up to a bound. */
export class BackOff {
  readonly #options: Required<BackOffOptions>
  readonly #failures = new Map<string, number>()

  constructor(options: BackOffOptions) {
    this.#options = { random: Math.random, ...options }
  }

  /** Notes a failure; the milliseconds to wait. */
  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const { firstMs, mostMs, random } = this.#options
    // 2^31 is beyond every bound, and 2^1024 is not a number that can be waited for.
    const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 31))
    return whole - (random() * whole) / 4
  }

  /** Failures since the key was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /** The key succeeded, or is gone. */
  forget(key: string): void {
    this.#failures.delete(key)
  }
}
