import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { within } from './deadline.ts'

/** One line of the engine's log (`--log json`). */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

/** Everything the engine's process wrote. */
export interface EngineOutput {
  /** The log so far, oldest first. */
  readonly lines: readonly LogLine[]
  /** All output as it came, for people. */
  text(): string
  /** The first line, past or to come, that fits. Rejects after `withinMs` (5 s) or when the process ends. */
  waitForLog(fits: (line: LogLine) => boolean, withinMs?: number): Promise<LogLine>
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return undefined
  }
}

/** Collects the output of a process, of which the last `keep` lines; `ended` settles when nothing more will come. */
export function collectOutput(
  streams: readonly Readable[],
  ended: Promise<unknown>,
  keep = Number.POSITIVE_INFINITY,
): EngineOutput {
  const raw: string[] = []
  const lines: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  for (const stream of streams) {
    createInterface({ input: stream }).on('line', (text) => {
      if (raw.length >= 2 * keep) for (const kept of [raw, lines]) kept.splice(0, kept.length - keep)
      raw.push(text)
      const line = parseLine(text)
      if (line === undefined) return
      lines.push(line)
      for (const offer of waiting) offer(line)
    })
  }
  const waitForLog = (fits: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const offer = (line: LogLine) => {
        if (!fits(line)) return
        waiting.delete(offer)
        resolve(line)
      }
      waiting.add(offer)
      for (const line of lines) offer(line)
      void ended.then(() => reject(new Error(`the engine ended without the awaited log line:\n${raw.join('\n')}`)))
    })
  return {
    lines,
    text: () => raw.join('\n'),
    waitForLog: (fits, withinMs = 5_000) => within(withinMs, 'a line of the log', waitForLog(fits)),
  }
}
