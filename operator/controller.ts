import type { Clock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'
import { ApiError } from './kube/api-error.ts'
import type { OperatorMetrics } from './metrics.ts'
import type { Outcome } from './outcome.ts'
import { BackOff } from './queue/back-off.ts'
import { RateLimit } from './queue/rate-limit.ts'
import { WorkQueue } from './queue/work-queue.ts'

/** What a controller works with. */
export interface ControllerOptions {
  readonly workers: number
  readonly clock: Clock
  readonly log: Log
  readonly metrics: OperatorMetrics
  readonly reconcile: (key: string) => Promise<Outcome>
  /** Every key there is. */
  readonly keys: () => Iterable<string>
}

const FIRST_RETRY_MS = 200
const MOST_RETRY_MS = 60_000
/** Retries over all keys together, so that an API server that comes back is not run over. */
const RETRIES = { perSecond: 20, burst: 100 } as const

/** Keys in, reconciles out: while this process leads, and not beyond. */
export class Controller {
  readonly #options: ControllerOptions
  #queue: WorkQueue | undefined

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  /** The queue of this leadership; undefined while somebody else leads. */
  get queue(): WorkQueue | undefined {
    return this.#queue
  }

  /** Something of that key changed. */
  changed(key: string): void {
    this.#queue?.add(key)
  }

  /** The key is gone; what is left of it is cleaned up by one more reconcile. */
  gone(key: string): void {
    this.#queue?.forget(key)
    this.#queue?.add(key)
  }

  /** Reconciles until the signal comes, and what is under way has ended. */
  async lead(lost: AbortSignal): Promise<void> {
    const { workers, clock, metrics, keys } = this.#options
    const queue = new WorkQueue({
      clock,
      backOff: new BackOff({ firstMs: FIRST_RETRY_MS, mostMs: MOST_RETRY_MS }),
      rate: new RateLimit(RETRIES.perSecond, RETRIES.burst, clock),
      observer: metrics.queue,
    })
    this.#queue = queue
    for (const key of keys()) queue.add(key)
    queue.start(workers, (key) => this.#work(queue, key))
    if (!lost.aborted)
      await new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve(), { once: true }))
    await queue.close()
    this.#queue = undefined
    metrics.forgetAll()
  }

  async #work(queue: WorkQueue, key: string): Promise<void> {
    const { clock, log, metrics, reconcile } = this.#options
    const from = clock.now()
    const outcome = await reconcile(key)
    const seconds = (clock.now() - from) / 1000
    // The one place where an outcome becomes an action of the queue and a label of the metrics.
    switch (outcome.kind) {
      case 'done':
        queue.forget(key)
        metrics.reconciled('success', seconds)
        return
      case 'again':
        queue.succeeded(key)
        if (outcome.isAtRest) queue.rest(key, outcome.afterMs)
        else queue.addAfter(key, outcome.afterMs)
        metrics.reconciled('requeue_after', seconds)
        return
      case 'failed': {
        metrics.reconciled('error', seconds)
        const { error } = outcome
        const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
        const retryMs = Math.round(queue.retry(key, asked))
        log('warn', 'reconcile failed', {
          socketServer: key,
          error: error instanceof Error ? error.message : String(error),
          status: error instanceof ApiError ? error.status : undefined,
          retryMs,
        })
      }
    }
  }
}
