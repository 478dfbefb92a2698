import { text } from 'node:stream/consumers'
import { startChild } from './child.ts'
import { within } from './deadline.ts'
import { commandLine, repository } from './runtime.ts'

/** What a finished run of the command left. */
export interface CommandResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real command to its end, for example `runCommand(['validate', '-f', file])`. Killed after `withinMs` (20 s). */
export async function runCommand(
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: Record<string, string>; withinMs?: number } = {},
): Promise<CommandResult> {
  const child = await startChild([...commandLine(), ...args], {
    cwd: options.cwd ?? repository,
    env: { ...process.env, ...options.env },
  })
  const { stdin, stdout, stderr } = child.process
  if (stdin === null || stdout === null || stderr === null) throw new Error('the pipes of the command are missing')
  stdin.end(options.input ?? '')
  try {
    const finished = Promise.all([child.exited, text(stdout), text(stderr)])
    const [exit, out, err] = await within(options.withinMs ?? 20_000, `the end of "${args.join(' ')}"`, finished)
    return { ...exit, stdout: out, stderr: err }
  } finally {
    child.process.kill('SIGKILL')
  }
}
