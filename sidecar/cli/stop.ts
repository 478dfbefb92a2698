import type { Clock } from '../base/clock.ts'
import type { Signal, Terminal } from './terminal.ts'

/** The signals that end a server. */
export type StopSignal = Exclude<Signal, 'SIGHUP'>

/** What the process was asked to do by signals, and otherwise. */
export interface Stop {
  /** The signal that asked for the end, once one did. */
  signal(): StopSignal | undefined
  /** Asks for the end as this signal does; asked again it changes nothing. */
  request(signal: StopSignal): void
  /** Resolves with the first signal that asks for the end. */
  readonly requested: Promise<StopSignal>
  /** Resolves when a second signal asks for the end. */
  readonly repeated: Promise<void>
  /** Called on every SIGHUP; at once when one came before there was a listener, while the server started. */
  onRecheck(listener: () => void): void
}

/** One Ctrl-C in a terminal reaches this process from the terminal and again from npm; within this time it is the same. */
const SAME_REQUEST_MS = 500

/** Listens to the signals from here on. */
export const createStop = (terminal: Terminal, clock: Clock): Stop => {
  let asked: StopSignal | undefined
  let signalledAt: number | undefined
  let recheck: (() => void) | undefined
  let isRecheckOwed = false
  const requested = Promise.withResolvers<StopSignal>()
  const repeated = Promise.withResolvers<void>()
  const request = (signal: StopSignal): void => {
    asked ??= signal
    requested.resolve(asked)
  }
  terminal.onSignal((signal) => {
    if (signal === 'SIGHUP') {
      if (recheck) recheck()
      else isRecheckOwed = true
      return
    }
    request(signal)
    // After a request by other means the first signal is the kubelet's, or systemd's, that follows it in any case.
    signalledAt ??= clock.now()
    if (clock.now() - signalledAt >= SAME_REQUEST_MS) repeated.resolve()
  })
  return {
    signal: () => asked,
    request,
    requested: requested.promise,
    repeated: repeated.promise,
    onRecheck(listener) {
      recheck = listener
      if (isRecheckOwed) listener()
      isRecheckOwed = false
    },
  }
}
