import { spawnSync } from 'node:child_process'

/** How a program ended that was asked for something. */
export interface Outcome {
  readonly isGood: boolean
  readonly out: string
  /** Why it failed: its last words, or that it is not installed. */
  readonly reason: string
}

/** Runs a program to its end, without input. `env` is added to the environment. */
export function run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  const [program = '', ...args] = words
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error !== undefined) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { isGood: false, out: '', reason: isMissing ? 'not installed' : error.message }
  }
  const last = stderr.trim().split('\n').at(-1) || stdout.trim().split('\n').at(-1) || `exit code ${status}`
  return { isGood: status === 0, out: stdout, reason: last }
}

/**
 * The same for what has to succeed.
 *
 * @throws with everything the program wrote
 */
export function mustRun(words: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { isGood, out, reason } = run(words, env)
  if (!isGood) throw new Error(`"${words.join(' ')}" failed: ${reason}`)
  return out
}
