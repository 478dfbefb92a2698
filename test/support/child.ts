import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child process that cannot outlive the test worker. */
export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  /** Resolves when the process ended and its output is complete. */
  readonly exited: Promise<Exit>
  /** Undefined while the process lives. */
  exit(): Exit | undefined
}

/**
 * Starts a process with its output on pipes. A shell waits on a pipe from this worker and kills the process when the
 * pipe ends, which also happens when the worker itself is killed; nothing inside the process has to cooperate.
 */
export async function startChild(
  [program, ...args]: readonly [string, ...string[]],
  options: SpawnOptions = {},
): Promise<Child> {
  const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  // A process that ended before it read its input is told by its exit, not by EPIPE.
  child.stdin?.on('error', () => {})
  const pid = child.pid as number
  const guard = spawn(
    '/bin/sh',
    ['-c', 'trap "" INT TERM HUP; read -r _; kill -KILL "$1" 2>/dev/null', 'guard', String(pid)],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  guard.stdin.on('error', () => {})
  guard.on('error', () => {})
  guard.unref()
  let exit: Exit | undefined
  // The guard goes as soon as the process is gone: later its process id may be somebody else's.
  child.once('exit', () => guard.kill('SIGKILL'))
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      exit = { code, signal }
      resolve(exit)
    })
  })
  return { process: child, pid, exited, exit: () => exit }
}
