import { AsyncLocalStorage } from 'node:async_hooks'
import type { Duplex } from 'node:stream'
import type { CloseReason } from './close-reason.ts'

/** What a defect needs of a connection. */
interface Closable {
  readonly closed: boolean
  readonly stream: Duplex
  close(reason: CloseReason, detail: string): void
}

// Follows what is done on behalf of a connection through timers, promises and the sockets it opens.
const scope = new AsyncLocalStorage<Closable>()

/** Does something for a connection, so that `blame` finds it whatever throws in the course of it. */
export function onBehalfOf<Result>(connection: Closable, act: () => Result): Result {
  return scope.run(connection, act)
}

/**
 * Closes the connection on whose behalf the exception was thrown, for handlers of `uncaughtException` and
 * `unhandledRejection`. Returns whether there was one that was still open.
 */
export function blame(defect: unknown): boolean {
  const connection = scope.getStore()
  if (!connection || connection.closed) return false
  connection.close('HandlerFailed', causeOf(defect))
  return true
}

/**
 * Makes an exception in a listener of the connection's stream close that connection: the events of a stream that was there
 * before anything was done on behalf of the connection come outside of every scope.
 */
export function guardEvents(connection: Closable): void {
  const { stream } = connection
  const emit = stream.emit
  stream.emit = function guarded(this: Duplex, ...event: Parameters<typeof emit>) {
    try {
      return emit.apply(this, event)
    } catch (error) {
      connection.close('HandlerFailed', causeOf(error))
      return true
    }
  } as typeof emit
}

/** A defect with the place it came from, for the log. */
export function causeOf(defect: unknown): string {
  return defect instanceof Error ? (defect.stack ?? defect.message) : String(defect)
}
