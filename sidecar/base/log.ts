/** How much a line matters: `info` is for operators and quiet at rest, `debug` is for developers. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The parts of a line that vary. Keys are camelCase; values never hold private material. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes one line: a constant, lower-case message and the fields that vary. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void

/** Discards every line. */
export const silentLog: Log = () => {}
