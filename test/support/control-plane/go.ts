import { text } from 'node:stream/consumers'
import { startChild } from '../child.ts'
import type { Environment } from './cache.ts'

/** How Go is run. */
export interface GoOptions {
  readonly directory: string
  readonly environment: Environment
  /** Called every now and then while it runs, with the elapsed seconds. */
  readonly onProgress?: (seconds: number) => void
}

const PROGRESS_MS = 10_000

/**
 * Runs the `go` command at a low priority, without C and with the module files as they are unless it is to change
 * them. Rejects, with the end of its output, when it fails or when there is no Go.
 */
export async function runGo(args: readonly string[], options: GoOptions): Promise<{ readonly stdout: string }> {
  const started = performance.now()
  const seconds = () => Math.round((performance.now() - started) / 1_000)
  const environment = { ...options.environment, CGO_ENABLED: '0', GOWORK: 'off' }
  // `env` finds the other two by PATH, and says in its output when there is none.
  const child = await startChild(['/usr/bin/env', 'nice', '-n', '10', 'go', ...args], {
    cwd: options.directory,
    env: environment,
  })
  child.process.stdin?.end()
  const progress = setInterval(() => options.onProgress?.(seconds()), PROGRESS_MS)
  try {
    const { stdout, stderr } = child.process
    if (stdout === null || stderr === null) throw new Error('a child without output')
    const [out, err, exit] = await Promise.all([text(stdout), text(stderr), child.exited])
    if (exit.code === 0) return { stdout: out }
    const end = `${out}${err}`.trim().split('\n').slice(-15).join('\n')
    throw new Error(
      `"go ${args.slice(0, 3).join(' ')}" failed (${exit.signal ?? exit.code}) after ${seconds()} s: ${end}`,
    )
  } finally {
    clearInterval(progress)
  }
}
