import type { Clock } from '../base/clock.ts'
import type { Signal, Terminal } from './terminal.ts'

/** The signals that end a server. */
export type StopSignal = Exclude<Signal, 'SIGHUP'>

/** What the process was asked to do by signals. */
export interface Stop {
  /** The signal that asked for the end, once one did. */
  signal(): StopSignal | undefined
  /** Resolves with the first signal that asks for the end. */
  readonly requested: Promise<StopSignal>
  /** Resolves when the end is asked for a second time. */
  readonly repeated: Promise<void>
  /** Called on every SIGHUP. */
  onRecheck(listener: () => void): void
}

/** One Ctrl-C in a terminal reaches this process from the terminal and again from npm; within this time it is the same. */
const SAME_REQUEST_MS = 500

/** Listens to the signals from here on. */
export const createStop = (terminal: Terminal, clock: Clock): Stop => {
  let first: { readonly signal: StopSignal; readonly at: number } | undefined
  let recheck: (() => void) | undefined
  const requested = Promise.withResolvers<StopSignal>()
  const repeated = Promise.withResolvers<void>()
  terminal.onSignal((signal) => {
    if (signal === 'SIGHUP') recheck?.()
    else if (first === undefined) {
      first = { signal, at: clock.now() }
      requested.resolve(signal)
    } else if (clock.now() - first.at >= SAME_REQUEST_MS) repeated.resolve()
  })
  return {
    signal: () => first?.signal,
    requested: requested.promise,
    repeated: repeated.promise,
    onRecheck(listener) {
      recheck = listener
    },
  }
}
