import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { CLIENT_CLOSED } from './client-line.ts'
import type { LineWriter } from './line-writer.ts'
import { jsonLine, type LogFormat, prettyLine } from './log-line.ts'

/**
 * A log that writes lines of one format; lines of level `debug` are left out. Those of clients, which are many, may wait for
 * each other; what happens to the server is told at once.
 */
export const createLog = (format: LogFormat, writer: LineWriter, clock: Clock): Log => {
  const line = format === 'json' ? jsonLine : prettyLine
  // Many lines of a busy server share a millisecond, and writing a date is the dearest part of a line.
  let at = -1
  let time = ''
  return (level, message, fields) => {
    if (level === 'debug') return
    const now = clock.now()
    if (now !== at) {
      at = now
      time = new Date(now).toISOString()
    }
    writer.write(line(time, level, message, fields), message === CLIENT_CLOSED)
  }
}
