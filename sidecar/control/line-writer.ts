import { write } from 'node:fs'

/** Takes text and writes it later, many pieces in one system call. */
export interface LineWriter {
  /** Queues whole lines; those that `mayWait` wait a few milliseconds for more. Never blocks and never throws. */
  write(text: string, mayWait?: boolean): void
  /** Waits until what is queued is written, at most `milliseconds`; false when some of it is not. For the end of the process. */
  flush(milliseconds: number): Promise<boolean>
  /** Lines given up because nobody read them. */
  readonly dropped: number
}

/** What a reader that stalls may keep waiting, in characters, what is being written included; lines beyond it are dropped and counted. */
const MAX_QUEUED = 8 * 1024 * 1024
const RETRY_MS = 20

/**
 * How long the first line of a batch waits for more. To wake a thread costs as much as the rest of a connection's line
 * many times over, and lines of a busy server that go out one by one would each pay for it.
 */
const GATHER_MS = 20

// Invariants: at most one write is under way; while one is, `pending` holds its bytes and `queue` what came after.
// While `queue` holds something and no write is under way, a timer or an immediate is armed, or `flush` has begun to write.
// The write happens in the thread pool, because a pipe whose reader stalls blocks whoever writes to it: a log
// that nobody reads must not stop the listeners.

/** Writes to a file descriptor in batches: lines that may wait, and come within a few milliseconds, go out together. */
export const createLineWriter = (fd: number): LineWriter => {
  let queue: string[] = []
  let queued = 0
  let dropped = 0
  let pending: Buffer | undefined
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  /** Whether `queue` holds a line that does not wait. */
  let isUrgent = false
  let drained: (() => void) | undefined

  const arm = (): void => {
    if (pending !== undefined || immediate !== undefined) return
    if (isUrgent) immediate = setImmediate(start)
    else timer ??= setTimeout(start, GATHER_MS)
  }

  const start = (): void => {
    clearTimeout(timer)
    clearImmediate(immediate)
    timer = undefined
    immediate = undefined
    if (pending === undefined && queue.length > 0) {
      pending = Buffer.from(queue.join(''))
      queue = []
      queued = 0
      isUrgent = false
    }
    if (pending === undefined) {
      drained?.()
      return
    }
    const bytes = pending
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(start, RETRY_MS)
        return
      }
      // Nobody will ever read it (EPIPE, EBADF): the listeners go on without a log.
      if (error !== null) pending = undefined
      else pending = written < bytes.length ? bytes.subarray(written) : undefined
      if (pending !== undefined || drained !== undefined) start()
      else if (queue.length > 0) arm()
    })
  }

  return {
    write(text, mayWait = false) {
      if (queued + (pending?.length ?? 0) + text.length > MAX_QUEUED) {
        dropped += 1
        return
      }
      queue.push(text)
      queued += text.length
      isUrgent ||= !mayWait
      arm()
    },
    flush(milliseconds) {
      if (pending === undefined && queue.length === 0) return Promise.resolve(true)
      return new Promise((resolve) => {
        const deadline = setTimeout(() => resolve(false), milliseconds)
        drained = () => {
          clearTimeout(deadline)
          drained = undefined
          resolve(true)
        }
        // A write that is under way goes on by itself.
        if (pending === undefined) start()
      })
    },
    get dropped() {
      return dropped
    },
  }
}
