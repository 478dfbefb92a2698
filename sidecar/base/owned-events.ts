import type { EventEmitter } from 'node:events'

/** Notes on an emitter whose it is, and makes listeners that find the owner by that. */
export interface OwnedEvents<Owner extends object> {
  /** `act` for callbacks that are given the owner, as those of timers. What it throws is told to the owner. */
  guarded<Value = void>(act: (owner: Owner, value: Value) => void): (owner: Owner, value: Value) => void
  /** The listeners below, on this emitter, are for `owner` from here on. */
  own(emitter: EventEmitter, owner: Owner): void
  /** A listener for any number of emitters. What `act` throws is told to the owner. */
  listener<Value = void>(act: (owner: Owner, value: Value) => void): (this: EventEmitter, value: Value) => void
}

/**
 * Listeners that are made once and serve every connection: a function for each event of each connection is most of what
 * a quiet connection holds.
 * @param failed Called with what a listener threw: nobody else would know whose it was.
 */
export function ownedEvents<Owner extends object>(failed: (owner: Owner, error: unknown) => void): OwnedEvents<Owner> {
  const key = Symbol('owner')
  const guarded: OwnedEvents<Owner>['guarded'] = (act) => (owner, value) => {
    try {
      act(owner, value)
    } catch (error) {
      failed(owner, error)
    }
  }
  return {
    guarded,
    own(emitter, owner) {
      ;(emitter as { [key]?: Owner })[key] = owner
    },
    listener(act) {
      const run = guarded(act)
      return function (this: EventEmitter, value) {
        const owner = (this as { [key]?: Owner })[key]
        if (owner !== undefined) run(owner, value)
      }
    },
  }
}
