import type { LineWriter } from '../control/line-writer.ts'

/** The signals a running server answers to. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What a command has of the process around it; made by `cli.ts` alone. */
export interface Terminal {
  /** Standard output: what was asked for. */
  readonly out: (text: string) => void
  /** Standard error: the log, and what went wrong. */
  readonly err: LineWriter
  /** Whether standard error is read by a person. */
  readonly isInteractive: boolean
  readonly input: AsyncIterable<Uint8Array>
  /** From this call on these signals no longer end the process but are told to `listener`. */
  readonly onSignal: (listener: (signal: Signal) => void) => void
  /** From this call on an exception that reaches nobody does not end the process but is told to `listener`. */
  readonly onDefect: (listener: (defect: unknown) => void) => void
}
