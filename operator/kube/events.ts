import { randomBytes } from 'node:crypto'
import type { Clock } from '../../sidecar/base/clock.ts'
import type { Log } from '../../sidecar/base/log.ts'
import { isRefusal } from './api-error.ts'
import { microTime } from './leader.ts'
import { type KubeObject, METADATA_WILL_DO, type ObjectMeta, pathOf, type Resource } from './objects.ts'
import type { Transport } from './transport.ts'

/** The kind of what is recorded. */
export const EVENTS: Resource = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events' }

/** Something a person would want to know of an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** Machine-readable, from a closed list. */
  readonly reason: string
  readonly note: string
}

/** The object an event is about. */
export interface Regarding {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
}

/** What a recorder is made of. */
export interface RecorderOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  readonly controller: string
  readonly instance: string
  /** Throws when writing is not allowed now. */
  readonly permit: () => AbortSignal
}

/** The same event again within that time is counted and not written anew. */
const SERIES_MS = 6 * 60_000
const MAX_SERIES = 4_096
const MAX_NOTE = 1_024
/** One object may have so many different events at once, then one in so many milliseconds. */
const BURST = 25
const REFILL_MS = 5 * 60_000

/** A name for one event of an object; what is left of a long name ends as a name may. */
const eventName = (name: string): string =>
  `${name.slice(0, 200).replace(/[^a-z0-9]+$/, '')}.${randomBytes(8).toString('hex')}`

interface Series {
  readonly name: string
  count: number
  lastAt: number
}

/** Records events; the same one again within minutes becomes a count. Losing one is logged and is no failure. */
export class EventRecorder {
  readonly #options: RecorderOptions
  readonly #series = new Map<string, Series>()
  readonly #budgets = new Map<string, { tokens: number; at: number }>()

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Records an event of the object. Never throws. */
  async record(regarding: Regarding, { type, reason, note }: EventNote): Promise<void> {
    const { clock, log, controller, instance } = this.#options
    const { name, namespace = '', uid = '', resourceVersion } = regarding.metadata
    const text = note.length > MAX_NOTE ? `${note.slice(0, MAX_NOTE - 3)}...` : note
    const key = [uid, type, reason, text].join('\n')
    const now = clock.now()
    try {
      const known = this.#series.get(key)
      if (known !== undefined && now - known.lastAt < SERIES_MS) {
        known.count += 1
        known.lastAt = now
        if (await this.#count(namespace, known)) return
      }
      if (!this.#mayRecord(uid, now)) {
        log('warn', 'event left out, the object has too many', { namespace, name, reason })
        return
      }
      const event: KubeObject = {
        apiVersion: EVENTS.apiVersion,
        kind: EVENTS.kind,
        metadata: { name: eventName(name), namespace },
        eventTime: microTime(now),
        reportingController: controller,
        reportingInstance: instance.slice(0, 128),
        action: 'Reconcile',
        reason,
        note: text,
        type,
        regarding: {
          apiVersion: regarding.apiVersion,
          kind: regarding.kind,
          ...{ name, namespace, uid, resourceVersion },
        },
      }
      await this.#write('POST', pathOf(EVENTS, namespace), event)
      this.#remember(key, { name: event.metadata.name, count: 1, lastAt: now })
    } catch (error) {
      log('warn', 'event not recorded', { namespace, name, reason, error: String(error) })
    }
  }

  /** The object is gone. */
  forget(uid: string): void {
    this.#budgets.delete(uid)
    for (const key of this.#series.keys()) if (key.startsWith(`${uid}\n`)) this.#series.delete(key)
  }

  /** Whether the event is still there to be counted. */
  async #count(namespace: string, { name, count, lastAt }: Series): Promise<boolean> {
    const series = { count, lastObservedTime: microTime(lastAt) }
    try {
      await this.#write('PATCH', pathOf(EVENTS, namespace, name), { series }, 'application/merge-patch+json')
      return true
    } catch (error) {
      if (isRefusal(error, 404)) return false
      throw error
    }
  }

  async #write(method: 'POST' | 'PATCH', path: string, body: unknown, contentType = 'application/json'): Promise<void> {
    const { transport, permit } = this.#options
    await transport.request({ method, path, body, contentType, accept: METADATA_WILL_DO, signal: permit() })
  }

  #remember(key: string, series: Series): void {
    this.#series.delete(key)
    this.#series.set(key, series)
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= MAX_SERIES) break
      this.#series.delete(oldest)
    }
  }

  #mayRecord(uid: string, now: number): boolean {
    const budget = this.#budgets.get(uid) ?? { tokens: BURST, at: now }
    budget.tokens = Math.min(BURST, budget.tokens + (now - budget.at) / REFILL_MS)
    budget.at = now
    this.#budgets.set(uid, budget)
    if (budget.tokens < 1) return false
    budget.tokens -= 1
    return true
  }
}
