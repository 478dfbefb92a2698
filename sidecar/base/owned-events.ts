import type { EventEmitter } from 'node:events'

/** What is done at each event, by its name. */
export type Acts<Owner extends object> = Readonly<Record<string, Act<Owner>['act']>>

/** A method, so that each event may have a value of its own kind. */
interface Act<Owner extends object> {
  /** @param value The event's first argument. */
  act(owner: Owner, value: unknown): void
}

/** Listeners that know whose they are. */
export interface OwnedEvents<Owner extends object> {
  /** `act` for callbacks that are given the owner, as those of timers. What it throws is told to the owner. */
  guarded<Value = void>(act: (owner: Owner, value: Value) => void): (owner: Owner, value: Value) => void
  /** Makes a function that adds these listeners to an emitter, for an owner. What they throw is told to the owner. */
  listeners(acts: Acts<Owner>): (emitter: EventEmitter, owner: Owner) => void
}

/**
 * Makes listeners for the many emitters of many owners, in the way that suits the runtime.
 *
 * V8 gets a function for each: a property that is added to a socket gives it another shape, and the code of the streams,
 * which then sees a handful of shapes where it was compiled for two, takes a tenth longer for all it does. In
 * JavaScriptCore shapes matter less, and those functions would be most of what a quiet connection holds: there one
 * function serves all emitters and finds the owner on them.
 * @param failed Called with what a listener threw: nobody else would know whose it was.
 * @param isV8 Whether the runtime is built on V8.
 */
export function ownedEvents<Owner extends object>(
  failed: (owner: Owner, error: unknown) => void,
  isV8 = process.versions.bun === undefined,
): OwnedEvents<Owner> {
  const guarded: OwnedEvents<Owner>['guarded'] = (act) => (owner, value) => {
    try {
      act(owner, value)
    } catch (error) {
      failed(owner, error)
    }
  }
  const key = Symbol('owner')
  type Owned = EventEmitter & { [key]?: Owner }
  return {
    guarded,
    listeners(acts) {
      const guardedActs = Object.entries(acts).map(([event, act]) => [event, guarded(act)] as const)
      if (isV8)
        return (emitter, owner) => {
          for (const [event, act] of guardedActs) emitter.on(event, (value) => act(owner, value))
        }
      const shared = guardedActs.map(([event, act]) => {
        const listener = function (this: Owned, value: unknown) {
          const owner = this[key]
          if (owner !== undefined) act(owner, value)
        }
        return [event, listener] as const
      })
      return (emitter: Owned, owner) => {
        emitter[key] = owner
        for (const [event, listener] of shared) emitter.on(event, listener)
      }
    },
  }
}
