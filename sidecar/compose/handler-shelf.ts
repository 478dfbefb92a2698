import type { Handler } from '../engine/ports.ts'
import type { PlannedHost } from './planned-hosts.ts'

/**
 * The handlers in use, one per host and specification: a host that changes in another respect keeps its handler, and
 * with it what it learned of its backends. Handlers out of use are disposed of; their clients go on.
 */
export class HandlerShelf {
  readonly #make: (host: PlannedHost) => Handler
  #inUse = new Map<string, Handler>()
  #tags = new Map<string, string>()

  constructor(make: (host: PlannedHost) => Handler) {
    this.#make = make
  }

  /** The handler of a host. */
  get(host: PlannedHost): Handler {
    const key = keyOf(host)
    let handler = this.#inUse.get(key)
    if (!handler) {
      handler = this.#make(host)
      this.#inUse.set(key, handler)
    }
    this.#tags.set(key, host.hostTag)
    return handler
  }

  /** Every handler with the tag of its host. */
  *entries(): Iterable<readonly [string, Handler]> {
    for (const [key, handler] of this.#inUse) yield [this.#tags.get(key) ?? '', handler]
  }

  /** Disposes of the handlers that serve none of `hosts`. */
  keep(hosts: readonly PlannedHost[]): void {
    const wanted = new Set(hosts.map((host) => keyOf(host)))
    for (const [key, handler] of this.#inUse) {
      if (wanted.has(key)) continue
      this.#inUse.delete(key)
      this.#tags.delete(key)
      handler.dispose?.()
    }
  }
}

const keyOf = (host: PlannedHost) => JSON.stringify([host.hostTag, host.handler, host.connectMs])
