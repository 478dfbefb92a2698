import type { Log } from '../base/log.ts'
import type { ListenState } from '../engine/ports.ts'

/** Tells in the log that a listener changed its state. @param isExpected Whether it was asked to close. */
export function listenerLine(log: Log, { name, state, address, port, error }: ListenState, isExpected = false): void {
  const isFailure = state === 'Closed' && error !== '' && !isExpected
  log(isFailure ? 'error' : 'info', 'listener state changed', {
    listener: name,
    state,
    address,
    port,
    error: error || undefined,
  })
}
