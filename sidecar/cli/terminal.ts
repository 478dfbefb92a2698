import type { LineWriter } from '../control/line-writer.ts'
import type { Paint } from './paint.ts'
import type { Screen } from './screen.ts'

/** The signals a running server answers to. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What a command has of the process around it; made by `cli.ts` alone. */
export interface Terminal {
  /** Standard output: what was asked for. */
  readonly out: (text: string) => void
  /** Resolves when nobody reads standard output any more (`socketserver clients -w | head`). */
  readonly outClosed: Promise<void>
  /** Standard output as a screen; undefined when it is a file or a pipe. */
  readonly screen: Screen | undefined
  /** Paints what goes to standard output: on a terminal, unless NO_COLOR is set. */
  readonly paint: Paint
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
