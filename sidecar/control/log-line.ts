import type { LogFields, LogLevel } from '../base/log.ts'

/** How log lines look: one JSON object each, or text for people. */
export type LogFormat = 'json' | 'pretty'

/** The accepted values of `--log`. */
export const LOG_FORMATS: readonly LogFormat[] = ['json', 'pretty']

// Control characters, the line separators of Unicode and what reverses the direction of text: a client chooses
// server names and certificate subjects, and none of these may forge a line or steer a terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what is searched for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g

const escapeOne = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Makes text safe to print on a terminal: what could move the cursor or end the line is written as `\uXXXX`. */
export const printable = (text: string): string => text.replace(UNSAFE, escapeOne)

// A replacer would be called for every member of every line; only what is not JSON by itself is turned into it.
const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Error ? value.message : value
}

const jsonOf = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value) as string | undefined
  } catch {
    // A circle, or a bigint far inside: a log line is never worth an exception.
    return JSON.stringify(String(value))
  }
}

const PLAIN = /^[^\s"=]+$/

const prettyValue = (value: unknown): string => {
  const shown = plain(value)
  if (typeof shown === 'string') return PLAIN.test(shown) ? shown : JSON.stringify(shown)
  return typeof shown === 'object' && shown !== null ? (jsonOf(shown) ?? '') : String(shown)
}

/** What stands in JSON between quotation marks as it is: nearly all that is ever logged. */
const SAFE = /^[ !#-[\]-~]*$/

// JSON escapes what is below 0x20 by itself.
const quoted = (text: string): string => (SAFE.test(text) ? `"${text}"` : printable(JSON.stringify(text)))

/** Names of fields as they stand in a line, comma and colon included: there are a few dozen. */
const beginnings = new Map<string, string>()

const beginningOf = (name: string): string => {
  let beginning = beginnings.get(name)
  if (beginning === undefined) {
    beginning = `,${quoted(name)}:`
    beginnings.set(name, beginning)
  }
  return beginning
}

/** A value as JSON; undefined for what JSON does not have. */
const jsonValue = (value: unknown): string | undefined => {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null'
  if (typeof value === 'boolean') return `${value}`
  const shown = plain(value)
  if (typeof shown === 'string') return quoted(shown)
  const json = jsonOf(shown)
  return json === undefined ? undefined : printable(json)
}

/**
 * One line as JSON, newline included. `time` is RFC 3339 in UTC; a field that is undefined is left out. Written piece by
 * piece: an object made for `JSON.stringify` costs several times as much, and each connection has a line.
 */
export const jsonLine = (time: string, level: LogLevel, message: string, fields: LogFields = {}): string => {
  let line = `{"time":"${time}","level":"${level}","message":${quoted(message)}`
  for (const name in fields) {
    const field = fields[name]
    if (field === undefined) continue
    const value = jsonValue(field)
    if (value !== undefined) line += beginningOf(name) + value
  }
  return `${line}}\n`
}

/** One line for people, newline included: clock time, level, message, then `name=value` of every field that is set. */
export const prettyLine = (time: string, level: LogLevel, message: string, fields?: LogFields): string => {
  let line = `${time.slice(11, 23)} ${level.padEnd(5)} ${message}`
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined && value !== '') line += ` ${name}=${prettyValue(value)}`
  }
  return `${printable(line)}\n`
}
