import type { Clock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'

/** How log lines look: one JSON object each, or text for people. */
export type LogFormat = 'json' | 'pretty'

// What could end a line or steer a terminal: names and messages come from whoever writes objects.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what is searched for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g
const escaped = (line: string) =>
  line.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A log that writes lines; those of level `debug` are left out. */
export const createLog =
  (format: LogFormat, clock: Clock, write: (line: string) => void): Log =>
  (level, message, fields = {}) => {
    if (level === 'debug') return
    const time = new Date(clock.now()).toISOString()
    if (format === 'json') {
      write(`${escaped(JSON.stringify({ time, level, message, ...fields }))}\n`)
      return
    }
    const shown = Object.entries(fields).filter(([, value]) => value !== undefined)
    const text = shown.map(
      ([name, value]) =>
        ` ${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    write(`${escaped(`${time.slice(11, 23)} ${level.padEnd(5)} ${message}${text.join('')}`)}\n`)
  }
