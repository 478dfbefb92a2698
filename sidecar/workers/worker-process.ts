import { type ChildProcess, fork } from 'node:child_process'
import type { SocketServer } from '../../crds/index.ts'
import { programModule } from '../base/program-files.ts'
import type { CountsSnapshot } from '../control/admin/counts.ts'
import { Channel } from './channel.ts'
import type { WorkerMethods, WorkerView } from './protocol.ts'

const PROGRAM = programModule('sidecar/worker')

/** What a worker's process tells. */
export interface WorkerEvents {
  /** Whole lines of its log. */
  readonly wrote: (lines: string) => void
  readonly ended: (cause: string) => void
}

/** The process of one worker, as its supervisor sees it. */
export class WorkerProcess {
  /** Its place among the workers; a spare has none yet. */
  slot = -1
  readonly incarnation: number
  readonly channel: Channel<WorkerMethods>
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  startedAt = performance.now()
  /** The manifest it serves; undefined until it does. */
  running: SocketServer | undefined = undefined
  /** What was seen of it last. */
  view: WorkerView | undefined = undefined
  counts: CountsSnapshot | undefined = undefined
  isGone = false
  readonly #child: ChildProcess

  constructor(incarnation: number, events: WorkerEvents) {
    this.incarnation = incarnation
    const child = fork(PROGRAM, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
    this.#child = child
    this.channel = new Channel((message) => {
      child.send(message, undefined, undefined, () => {})
    })
    child.on('message', (message) => this.channel.received(message))
    // Pieces of the pipe end anywhere; lines of several processes must not be mixed.
    let rest = ''
    child.stderr?.setEncoding('utf8')
    child.stderr?.on('data', (text: string) => {
      const end = text.lastIndexOf('\n') + 1
      if (end === 0) rest += text
      else {
        events.wrote(rest + text.slice(0, end))
        rest = text.slice(end)
      }
    })
    this.gone = new Promise((resolve) => {
      const end = (cause: string) => {
        if (this.isGone) return
        this.isGone = true
        this.channel.close()
        events.ended(cause)
        resolve()
      }
      child.on('error', (error) => end(error.message))
      child.on('exit', (code, signal) => end(signal === null ? `exit code ${code}` : signal))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
