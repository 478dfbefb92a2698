import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onCore, type Pinned } from './pinned.ts'

/** What a load process is told to do, on one port. */
export type Task = { readonly port: number } & (
  | { readonly kind: 'visits'; readonly count: number; readonly concurrency: number; readonly isResuming: boolean }
  | { readonly kind: 'flood'; readonly perSecond: number }
  | { readonly kind: 'requests'; readonly count: number; readonly connections: number }
  | { readonly kind: 'download'; readonly bytes: number; readonly connections: number }
  | { readonly kind: 'hold'; readonly count: number; readonly concurrency: number }
  | { readonly kind: 'probe'; readonly seconds: number; readonly everyMs: number }
)

/** What came of it. */
export interface Done {
  /** Visits, requests, clients or bytes. */
  readonly done: number
  readonly failed: number
  /** Visits whose session was resumed. */
  readonly resumed: number
  readonly seconds: number
  readonly p99Ms?: number
}

/** A task under way. */
export interface Load {
  /** Resolves when the task is done, or its clients stand. */
  readonly done: Promise<Done>
  /** Ends a flood, or lets the clients of `hold` go; resolves when the process is gone. */
  release(): Promise<void>
}

/** Starts a load process on a core. @param niceness 0 to 19: a flood yields to the probe that shares its core. */
export function startLoad(task: Task, core: number, niceness = 0): Load {
  const program = join(import.meta.dirname, 'load-program.ts')
  const command: Pinned = [process.execPath, '--max-old-space-size=4096', program, JSON.stringify(task)]
  const [file, ...args] = onCore(core, niceness > 0 ? ['nice', '-n', String(niceness), ...command] : command)
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  const gone = once(child, 'exit')
  const done = new Promise<Done>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Done))
    void gone.then(([code]) => reject(new Error(`the load ended with ${code} before its task was done`)))
  })
  // A flood that is cut short tells nothing, and nobody asks.
  done.catch(() => {})
  return {
    done,
    async release() {
      child.stdin.end()
      await gone
    },
  }
}

/** Runs a task to its end. */
export async function runLoad(task: Task, core: number): Promise<Done> {
  const load = startLoad(task, core)
  try {
    return await load.done
  } finally {
    await load.release()
  }
}
