import type { EventEmitter } from 'node:events'

/** Notes on an emitter whose it is, and makes listeners that find the owner by that. */
export interface OwnedEvents<Owner extends object> {
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
  return {
    own(emitter, owner) {
      ;(emitter as { [key]?: Owner })[key] = owner
    },
    listener: (act) =>
      function (this: EventEmitter, value) {
        const owner = (this as { [key]?: Owner })[key]
        if (owner === undefined) return
        try {
          act(owner, value)
        } catch (error) {
          failed(owner, error)
        }
      },
  }
}
