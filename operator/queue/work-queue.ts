// Invariants: a key is worked on by one worker at a time; a key added while it is worked on is worked on once more
// after that; a key waits at most once and has at most one timer; once closed nothing starts.
import type { Clock } from '../../sidecar/base/clock.ts'
import type { BackOff } from './back-off.ts'
import type { RateLimit } from './rate-limit.ts'
import { type Cause, WaitingKeys } from './waiting-keys.ts'

/** What is told of the queue, in seconds where it is a time. */
export interface QueueObserver {
  added(): void
  retried(): void
  /** How long the key waited before a worker took it. */
  waited(seconds: number): void
  /** How long the worker had it. */
  worked(seconds: number): void
  /** A worker took a key that rested, because its time had come and for no other cause. */
  looked(): void
}

/** What a queue is made of. */
export interface WorkQueueOptions {
  readonly clock: Clock
  readonly backOff: BackOff
  /** Over all keys, for retries. */
  readonly rate: RateLimit
  readonly observer?: QueueObserver
}

interface Delayed {
  readonly at: number
  readonly timer: NodeJS.Timeout
}

/** The longest a timer of the platform can wait. */
const LONGEST_MS = 2 ** 31 - 1

/** Keys to work on: each once, however often it is added meanwhile, and never on two workers. */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #waiting = new WaitingKeys()
  /** Keys that were worked on and are not forgotten; true: they have rested since. */
  readonly #known = new Map<string, boolean>()
  readonly #working = new Map<string, number>()
  /** Added while they were worked on, with the time. */
  readonly #again = new Map<string, number>()
  readonly #delayed = new Map<string, Delayed>()
  #process: ((key: string) => Promise<void>) | undefined
  #workers = 0
  #closed = false
  #drained: (() => void) | undefined

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /** Keys that wait for a worker; delayed ones do not count. */
  get depth(): number {
    return this.#waiting.size + this.#again.size
  }

  /** Keys that are worked on. */
  get active(): number {
    return this.#working.size
  }

  /** Keys that will be added later. */
  get delayed(): number {
    return this.#delayed.size
  }

  /** When each key that is worked on was taken, in milliseconds since the epoch. */
  startTimes(): Iterable<number> {
    return this.#working.values()
  }

  /** Starts `workers` workers. A rejection of `process` is a defect of it; it reports its own failures. */
  start(workers: number, process: (key: string) => Promise<void>): void {
    this.#workers = workers
    this.#process = process
    this.#pump()
  }

  /** To be worked on as soon as a worker is free. */
  add(key: string): void {
    this.#add(key, undefined)
  }

  /** To be worked on after that many milliseconds, or sooner when it is added sooner. */
  addAfter(key: string, milliseconds: number): void {
    this.#addAfter(key, milliseconds, undefined)
  }

  /** There is nothing to do about the key now: it is looked at after that many milliseconds, when others leave time for it. */
  rest(key: string, milliseconds: number): void {
    this.#known.set(key, true)
    this.#addAfter(key, milliseconds, 'look')
  }

  #add(key: string, cause: Cause | undefined): void {
    if (this.#closed) return
    this.#cancelDelay(key)
    const now = this.#options.clock.now()
    if (this.#working.has(key)) {
      if (this.#again.has(key)) return
      this.#again.set(key, now)
    } else {
      const isWaiting = this.#waiting.causeOf(key) !== undefined
      // Who is asked for again is more than new.
      this.#waiting.add(key, now, cause ?? this.#causeOf(key) ?? (isWaiting ? 'begun' : 'fresh'))
      if (isWaiting) return
    }
    this.#options.observer?.added()
    this.#pump()
  }

  #causeOf(key: string): Cause | undefined {
    const hasRested = this.#known.get(key)
    if (hasRested === undefined) return undefined
    return hasRested ? 'news' : 'begun'
  }

  #addAfter(key: string, milliseconds: number, cause: Cause | undefined): void {
    if (this.#closed || this.#waiting.causeOf(key) !== undefined || this.#again.has(key)) return
    if (milliseconds <= 0) {
      this.#add(key, cause)
      return
    }
    const at = this.#options.clock.now() + milliseconds
    const before = this.#delayed.get(key)
    if (before !== undefined && before.at <= at) return
    this.#cancelDelay(key)
    const timer = setTimeout(
      () => {
        this.#delayed.delete(key)
        this.#add(key, cause)
      },
      Math.min(Math.ceil(milliseconds), LONGEST_MS),
    )
    this.#delayed.set(key, { at, timer })
  }

  /** To be tried again after its own growing pause, when the rate over all keys allows, and not before `leastMs`; the pause. */
  retry(key: string, leastMs = 0): number {
    const wait = Math.max(this.#options.backOff.next(key), this.#options.rate.reserve(), leastMs)
    this.#options.observer?.retried()
    this.addAfter(key, wait)
    return wait
  }

  /** The key succeeded: its next failure waits shortly again. */
  succeeded(key: string): void {
    this.#options.backOff.forget(key)
  }

  /** The key is no more: nothing waits for it. */
  forget(key: string): void {
    this.#options.backOff.forget(key)
    this.#known.delete(key)
    this.#cancelDelay(key)
  }

  /** Starts nothing any more, and resolves when what is worked on has ended. */
  async close(): Promise<void> {
    this.#closed = true
    for (const key of [...this.#delayed.keys()]) this.#cancelDelay(key)
    this.#waiting.clear()
    this.#again.clear()
    if (this.#working.size === 0) return
    await new Promise<void>((resolve) => {
      this.#drained = resolve
    })
  }

  #cancelDelay(key: string): void {
    clearTimeout(this.#delayed.get(key)?.timer)
    this.#delayed.delete(key)
  }

  #pump(): void {
    const process = this.#process
    if (process === undefined || this.#closed) return
    while (this.#working.size < this.#workers) {
      const next = this.#waiting.take()
      if (next === undefined) return
      if (next.cause === 'look') this.#options.observer?.looked()
      void this.#work(next.key, next.since, process)
    }
  }

  async #work(key: string, since: number, process: (key: string) => Promise<void>): Promise<void> {
    const { clock, observer } = this.#options
    const from = clock.now()
    this.#working.set(key, from)
    if (!this.#known.has(key)) this.#known.set(key, false)
    observer?.waited((from - since) / 1000)
    try {
      await process(key)
    } finally {
      observer?.worked((clock.now() - from) / 1000)
      this.#working.delete(key)
      const again = this.#again.get(key)
      if (again !== undefined) {
        this.#again.delete(key)
        this.#cancelDelay(key)
        this.#waiting.add(key, again, this.#causeOf(key) ?? 'begun')
      }
      if (this.#closed) {
        this.#waiting.clear()
        if (this.#working.size === 0) this.#drained?.()
      } else this.#pump()
    }
  }
}
