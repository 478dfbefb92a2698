import type { Readable } from 'node:stream'
import { within } from './deadline.ts'

/** Reads a stream piece by piece. It begins to read at the first call, so a client nobody reads from stays stalled. */
export interface Reader {
  /** All bytes up to and including the text. */
  until(text: string, withinMs?: number): Promise<string>
  bytes(count: number, withinMs?: number): Promise<Buffer>
  /** All bytes until the other side ends; resolves with what came when the connection breaks, see `broken`. */
  toEnd(withinMs?: number): Promise<Buffer>
  /** The error the stream ended with, so far. */
  broken(): NodeJS.ErrnoException | undefined
}

/** A reader of the stream; it also keeps errors of the stream from ending the test's process. */
export function createReader(stream: Readable): Reader {
  let received = Buffer.alloc(0)
  let chunks: Buffer[] = []
  let over = false
  let attached = false
  let error: NodeJS.ErrnoException | undefined
  let wake = () => {}
  stream.on('error', (cause) => {
    error ??= cause
  })
  stream.on('close', () => {
    over = true
    wake()
  })

  const attach = () => {
    if (attached) return
    attached = true
    over ||= stream.readableEnded || stream.destroyed
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      wake()
    })
    stream.on('end', () => {
      over = true
      wake()
    })
  }
  /** Waits until `enough` finds the number of bytes to take, or everything when the stream is over. */
  const take = async (awaited: string, withinMs: number, enough: (bytes: Buffer) => number | undefined) => {
    attach()
    const wait = async () => {
      for (;;) {
        received = Buffer.concat([received, ...chunks])
        chunks = []
        const count = enough(received)
        if (count !== undefined) {
          const taken = received.subarray(0, count)
          received = received.subarray(count)
          return taken
        }
        if (over) {
          const told = error === undefined ? 'ended' : `broke (${error.code ?? error.message})`
          throw new Error(
            `the stream ${told} before ${awaited}; received ${JSON.stringify(received.toString('latin1'))}`,
          )
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    return await within(withinMs, awaited, wait())
  }
  return {
    async until(text, withinMs = 5_000) {
      const taken = await take(`the text ${JSON.stringify(text)}`, withinMs, (bytes) => {
        const at = bytes.indexOf(text)
        return at < 0 ? undefined : at + Buffer.byteLength(text)
      })
      return taken.toString()
    },
    bytes: (count, withinMs = 5_000) =>
      take(`${count} bytes`, withinMs, (bytes) => (bytes.length >= count ? count : undefined)),
    toEnd: (withinMs = 5_000) => take('the end', withinMs, (bytes) => (over ? bytes.length : undefined)),
    broken: () => error,
  }
}
