import { text } from 'node:stream/consumers'
import { startChild } from '../child.ts'
import type { CommandResult } from '../command.ts'
import { within } from '../deadline.ts'

export type { CommandResult } from '../command.ts'

const RUN_MS = 60_000

/** Runs a program to its end and gives back what it wrote. Killed after a minute. */
export async function runProgram(
  command: readonly [string, ...string[]],
  options: { readonly input?: string; readonly env: Readonly<Record<string, string>> },
): Promise<CommandResult> {
  const child = await startChild(command, { env: options.env })
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('the pipes of the program are missing')
  stdin.end(options.input ?? '')
  try {
    const finished = Promise.all([child.exited, text(stdout), text(stderr)])
    const [exit, out, err] = await within(RUN_MS, `the end of "${command.join(' ')}"`, finished)
    return { ...exit, stdout: out, stderr: err }
  } finally {
    child.process.kill('SIGKILL')
  }
}
