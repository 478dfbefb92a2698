/** What a watchdog looks at. */
export interface Watched {
  /** How much is left to happen; while it changes all is well. */
  readonly pending: () => number
  readonly tell: (pending: number) => void
  /** Whether what is measured has ended. */
  readonly ended: () => boolean
  /** What a person needs to see when nothing moves. */
  readonly diagnose: () => string
}

const LOOK_MS = 5_000
const STUCK_MS = 180_000

/** Ends waiting when the person wants no more, when something fails, or when nothing moves for three minutes. */
export class Watchdog implements Disposable {
  readonly #trouble = new AbortController()
  /** Comes with the cause. */
  readonly signal: AbortSignal
  #timer: NodeJS.Timeout | undefined

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#trouble.signal])
  }

  /** Something failed. */
  fail(error: unknown): void {
    this.#trouble.abort(error)
  }

  /** Begins to look. */
  watch({ pending, tell, ended, diagnose }: Watched): void {
    let last = 0
    let movedAt = performance.now()
    this.#timer = setInterval(() => {
      const now = pending()
      if (now > 0) tell(now)
      if (now !== last || now === 0) movedAt = performance.now()
      last = now
      if (ended()) this.fail(new Error(`the operator has ended: ${diagnose()}`))
      else if (performance.now() - movedAt > STUCK_MS) this.fail(new Error(`nothing moves any more: ${diagnose()}`))
    }, LOOK_MS)
  }

  /** The promise, or the cause of trouble, whichever comes first. @throws the cause */
  async until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    let stop = () => {}
    const trouble = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop)
    })
    try {
      return await Promise.race([promise, trouble])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
