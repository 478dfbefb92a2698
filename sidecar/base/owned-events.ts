import type { EventEmitter } from 'node:events'

/** Notes on an emitter whose it is, and makes listeners that find the owner by that. */
export interface OwnedEvents<Owner extends object> {
  /** `act` for callbacks that are given the owner, as those of timers. What it throws is told to the owner. */
  guarded<Value = void>(act: (owner: Owner, value: Value) => void): (owner: Owner, value: Value) => void
  /**
   * The listeners below, on this emitter, are for `owner` from here on, or for nobody. Whoever is done with an emitter says
   * so: Node keeps some for long after their end, and with them whom they belong to.
   */
  own(emitter: EventEmitter, owner: Owner | undefined): void
  /** A listener for any number of emitters. What `act` throws is told to the owner. */
  listener<Value = void>(act: (owner: Owner, value: Value) => void): (this: EventEmitter, value: Value) => void
}

/**
 * Where the owner of an emitter is noted, as a property of the emitter. Each place writes this down for itself, with a key
 * of its own: shared code that is given one key after the other is slow in V8.
 */
export interface OwnerProperty<Owner extends object> {
  get(emitter: object): Owner | undefined
  set(emitter: object, owner: Owner | undefined): void
}

/**
 * Listeners that are made once and serve every connection: a function for each event of each connection is most of what
 * a quiet connection holds.
 * @param failed Called with what a listener threw: nobody else would know whose it was.
 */
export function ownedEvents<Owner extends object>(
  { get, set }: OwnerProperty<Owner>,
  failed: (owner: Owner, error: unknown) => void,
): OwnedEvents<Owner> {
  const guarded: OwnedEvents<Owner>['guarded'] = (act) => (owner, value) => {
    try {
      act(owner, value)
    } catch (error) {
      failed(owner, error)
    }
  }
  return {
    guarded,
    own: set,
    listener(act) {
      const run = guarded(act)
      return function (this: EventEmitter, value) {
        const owner = get(this)
        if (owner !== undefined) run(owner, value)
      }
    },
  }
}
