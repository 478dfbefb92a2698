import type { Duplex } from 'node:stream'
import tls from 'node:tls'

/** What one read takes at most; as much as libuv asks for by itself. */
const READ_BYTES = 64 * 1024

/**
 * The one buffer that backends are read into whose bytes go to a client that takes them at once. To allocate as much for
 * each read makes V8 collect the whole heap every thousand reads, which costs more than to encrypt what was read.
 */
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** Who takes what is read. */
export interface LentTaker {
  /** @param chunk Overwritten as soon as this returns. */
  takeLent(chunk: Buffer): void
}

/** Reads into the lent buffer: the option `onread` of `net.connect`, and who takes what is read. */
export class LentReader {
  readonly onread = {
    buffer,
    callback: (length: number): boolean => {
      this.taker?.takeLent(buffer.subarray(0, length))
      return true
    },
  }
  taker: LentTaker | undefined = undefined
}

/**
 * Whether a write to the stream is done with its chunk when it returns, unless others wait in front of it. TLS of Node
 * encrypts at once, or copies; a TCP socket hands the kernel the rest of a chunk later.
 */
export const takesAtOnce = (stream: Duplex): boolean =>
  stream instanceof tls.TLSSocket && process.versions.bun === undefined
