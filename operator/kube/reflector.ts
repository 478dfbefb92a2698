import type { SteadyClock } from '../../sidecar/base/clock.ts'
import type { Log } from '../../sidecar/base/log.ts'
import { ApiError, isRefusal, type RefusalStatus } from './api-error.ts'
import { type KubeObject, keyOf, pathOf, type Resource } from './objects.ts'
import { pause } from './pause.ts'
import type { Store, Stored } from './store.ts'
import type { Transport } from './transport.ts'

/** What is watched, and where it is kept. */
export interface ReflectorOptions<T extends Stored> {
  readonly transport: Transport
  readonly resource: Resource
  /** Undefined: every namespace. */
  readonly namespace: string | undefined
  readonly labelSelector?: string
  /** Whether the server is asked for names, labels and versions alone, and for nothing that the objects hold. */
  readonly metadataOnly?: boolean
  readonly store: Store<T>
  /** Keeps of an object what is used of it. */
  readonly trim: (object: KubeObject) => T
  readonly clock: SteadyClock
  readonly log: Log
  readonly signal: AbortSignal
  /** Called once, when the first complete list is in. */
  readonly complete: () => void
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: KubeObject
}

interface List {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: readonly KubeObject[]
}

/** What is asked for where metadata will do. There is no second choice: a server that cannot leave out the rest refuses. */
const METADATA = {
  list: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
  watch: { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
} as const
const PAGE = 500
/** A watch is asked to end after 5 to 10 minutes, so that watches spread over API servers and old connections end. */
const WATCH_SECONDS = { least: 300, most: 600 }
/** Bookmarks come about once a minute; without a line for so long nobody is there. */
const SILENCE_MS = 180_000
/** A watch that ran for so long ran well. */
const STEADY_MS = 10_000
const FIRST_WAIT_MS = 200
const MOST_WAIT_MS = 30_000
/** Where nobody answers nobody is spared by waiting, and who comes back is to be noticed soon; so where watches run, but briefly. */
const MOST_SHORT_WAIT_MS = 5_000
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/**
 * Keeps a store equal to what the API server has, until the signal comes: a list by streaming where the server has it,
 * else by pages, then a watch. Never gives up: failures wait with growing pauses, or for as long as the server says.
 */
export class Reflector<T extends Stored> {
  readonly #options: ReflectorOptions<T>
  #version: string | undefined
  #canStreamLists = true
  /** Failures one after the other to have a list and a watch. */
  #failures = 0
  /** Watches one after the other that ended soon after they began. */
  #brief = 0
  #isComplete = false
  /** When the watch began that runs; undefined before its first list is complete. */
  #watchingSince: number | undefined

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  /** Runs until the signal comes. */
  async run(): Promise<void> {
    const { signal, log, resource, namespace, clock } = this.#options
    while (!signal.aborted) {
      this.#watchingSince = undefined
      let error: unknown
      try {
        if (this.#version === undefined && !this.#canStreamLists) await this.#list()
        await this.#watch()
      } catch (failure) {
        error = failure
        // After any failure the list is taken anew: a server that was set back to an older state would else
        // be silent until its versions have grown beyond ours.
        this.#version = undefined
      }
      if (signal.aborted) return
      const ranMs = this.#watchingSince === undefined ? undefined : clock.elapsed() - this.#watchingSince
      this.#failures = ranMs === undefined ? this.#failures + 1 : 0
      // A list alone is no success: where watches break as soon as they begin, lists would follow each other.
      if (ranMs !== undefined) this.#brief = ranMs < STEADY_MS ? this.#brief + 1 : 0
      const wait = this.#waitAfter(error)
      // A list that expired is made anew at once; it is the way of the API and no failure.
      if (wait > 0)
        log(this.#failures + this.#brief > 2 ? 'warn' : 'info', 'watch interrupted', {
          resource: resource.plural,
          namespace,
          error: error instanceof Error ? error.message : String(error ?? 'it ended as soon as it began'),
          retryMs: Math.round(wait),
        })
      await pause(wait, signal)
    }
  }

  #waitAfter(error: unknown): number {
    if (error === undefined && this.#brief === 0) return 0
    if (isRefusal(error, 410) && this.#failures + this.#brief <= 1) return 0
    if (this.#canStreamLists && error instanceof ApiError && (error.status === 400 || error.status === 422)) {
      this.#canStreamLists = false
      return 0
    }
    const isRefused = this.#failures > 0 && error instanceof ApiError
    const grown = FIRST_WAIT_MS * 2 ** Math.min(Math.max(this.#failures || this.#brief, 1) - 1, 16)
    const jittered = Math.min(isRefused ? MOST_WAIT_MS : MOST_SHORT_WAIT_MS, grown) * (0.75 + Math.random() / 2)
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
    return Math.max(asked, jittered)
  }

  #query(more: Readonly<Record<string, string>>): Record<string, string> {
    const { labelSelector } = this.#options
    return { ...(labelSelector === undefined ? {} : { labelSelector }), ...more }
  }

  async #list(): Promise<void> {
    const { transport, resource, namespace, metadataOnly, trim, signal } = this.#options
    const items: T[] = []
    let next = ''
    do {
      const list = (await transport.request({
        method: 'GET',
        path: pathOf(resource, namespace),
        query: this.#query({ limit: String(PAGE), ...(next === '' ? {} : { continue: next }) }),
        ...(metadataOnly ? METADATA.list : {}),
        timeoutMs: 60_000,
        signal,
      })) as List
      for (const item of list.items ?? []) items.push(trim(item))
      next = list.metadata.continue ?? ''
      this.#version = list.metadata.resourceVersion
    } while (next !== '')
    this.#replace(items)
  }

  #replace(items: readonly T[]): void {
    const { namespace, store, complete } = this.#options
    store.replace(items, (key) => namespace === undefined || key.startsWith(`${namespace}/`))
    if (this.#isComplete) return
    this.#isComplete = true
    complete()
  }

  async #watch(): Promise<void> {
    const { transport, resource, namespace, metadataOnly, store, trim, signal, clock } = this.#options
    const { least, most } = WATCH_SECONDS
    const seconds = Math.round(least + Math.random() * (most - least))
    const silence = new AbortController()
    const alarm = setTimeout(() => silence.abort(new Error('nothing was heard for too long')), SILENCE_MS)
    // Until the end of a streamed list is marked its objects are collected, and taken together.
    let initial: Map<string, T> | undefined = this.#version === undefined ? new Map() : undefined
    try {
      const events = transport.stream({
        method: 'GET',
        path: pathOf(resource, namespace),
        query: this.#query({
          watch: 'true',
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(seconds),
          ...(initial === undefined
            ? { resourceVersion: this.#version ?? '' }
            : { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
        }),
        ...(metadataOnly ? METADATA.watch : {}),
        signal: AbortSignal.any([signal, silence.signal]),
        began: () => {
          if (initial === undefined) this.#watchingSince = clock.elapsed()
        },
      })
      for await (const line of events) {
        alarm.refresh()
        const { type, object } = line as WatchEvent
        if (type === 'ERROR') {
          const status = object as RefusalStatus & KubeObject
          throw new ApiError(status.code ?? 500, status)
        }
        if (type === 'BOOKMARK') {
          this.#version = object.metadata.resourceVersion
          if (initial === undefined || object.metadata.annotations?.[INITIAL_EVENTS_END] !== 'true') continue
          this.#replace([...initial.values()])
          initial = undefined
          this.#watchingSince = clock.elapsed()
        } else if (initial !== undefined) {
          if (type === 'DELETED') initial.delete(keyOf(object))
          else initial.set(keyOf(object), trim(object))
        } else {
          this.#version = object.metadata.resourceVersion
          if (type === 'DELETED') store.remove(object)
          else store.take(object, trim)
        }
      }
      if (initial !== undefined) throw new Error('the list ended before it was complete')
    } finally {
      clearTimeout(alarm)
    }
  }
}
