/** The only source of the present time, so that every schedule and grade can be tested with a clock of its own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

/** A clock that measures as well: what lasts is not told by the time of day, which is set and jumps. */
export interface SteadyClock extends Clock {
  /** Milliseconds since some moment before; never jumps, never goes back. */
  elapsed(): number
}

/** The machine's clock. */
export const systemClock: SteadyClock = { now: () => Date.now(), elapsed: () => performance.now() }
