import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Child, startChild } from '../child.ts'
import { within } from '../deadline.ts'
import { eventually } from '../eventually.ts'
import type { CommandLine } from './network.ts'

/** One program of the control plane in a process of its own. */
export interface ProgramProcess {
  readonly pid: number
  /** Asks it to end, kills it after 3 s, and resolves when it is gone. */
  stop(): Promise<void>
  /** Kills it, as a crash would, and resolves when it is gone. */
  kill(): Promise<void>
}

const STOP_MS = 3_000

async function gone(child: Child, log: { end(): unknown }): Promise<void> {
  await child.exited
  log.end()
}

/**
 * Starts a program, its output appended to a file named after it, and waits until `ready` does not throw. Rejects with the end of the
 * output when the program ends before that, or is not ready within `readyWithinMs`.
 */
export async function startProgram(
  command: CommandLine,
  options: { readonly logFile: string; readonly ready: () => Promise<unknown>; readonly readyWithinMs: number },
): Promise<ProgramProcess> {
  const name = basename(options.logFile, '.log')
  const child = await startChild(command)
  const log = createWriteStream(options.logFile, { flags: 'a' })
  child.process.stdin?.end()
  child.process.stdout?.pipe(log, { end: false })
  child.process.stderr?.pipe(log, { end: false })
  const stop = async (signal: NodeJS.Signals) => {
    child.process.kill(signal)
    await within(STOP_MS, `the end of ${name}`, child.exited).catch(() => child.process.kill('SIGKILL'))
    await gone(child, log)
  }
  let ended = false
  const failed = child.exited.then((exit) => {
    ended = true
    throw new Error(`it ended with ${exit.signal ?? exit.code}`)
  })
  failed.catch(() => {})
  try {
    const ready = eventually(
      async () => {
        if (!ended) await options.ready()
      },
      { withinMs: options.readyWithinMs, everyMs: 20 },
    )
    await Promise.race([ready, failed])
  } catch (error) {
    await stop('SIGKILL')
    if (!log.writableFinished) await once(log, 'finish')
    const end = (await readFile(options.logFile, 'utf8')).trim().split('\n').slice(-25).join('\n')
    throw new Error(`${name} did not become ready: ${(error as Error).message}\n${end}`)
  }
  return { pid: child.pid, stop: () => stop('SIGTERM'), kill: () => stop('SIGKILL') }
}
