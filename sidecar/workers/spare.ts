import type { WorkerProcess } from './worker-process.ts'

/** Milliseconds after which a spare process is made: serving comes first. */
const SPARE_MS = 500

/** A process that has loaded everything and serves nothing yet: to load takes longer than clients like to wait. */
export class Spare {
  readonly #fork: () => WorkerProcess
  #worker: WorkerProcess | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #isClosed = false

  constructor(fork: () => WorkerProcess) {
    this.#fork = fork
  }

  /** Makes one a little later, unless there is one. */
  makeLater(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (!this.#isClosed) this.#worker ??= this.#fork()
    }, SPARE_MS)
    this.#timer.unref()
  }

  /** Gives it away; undefined when there is none. */
  take(): WorkerProcess | undefined {
    const worker = this.#worker
    this.#worker = undefined
    return worker
  }

  /** Told of a process that ended: a spare is made again. */
  ended(worker: WorkerProcess): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.makeLater()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.take()?.kill()
  }
}
