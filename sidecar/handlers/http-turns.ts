/** Bytes of the beginning of an answer that are kept: a head longer than that counts as one whose end is not known. */
const HEAD_BYTES = 4096
const REQUEST_LINE = /^[A-Z]{3,20} [^\r\n]{0,64}/
const END_OF_HEAD = '\r\n\r\n'
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')

/** Whether a client that begins with these bytes speaks HTTP/1 (RFC 9112, 3). */
export function beginsRequest(chunk: Buffer): boolean {
  const first = chunk[0] ?? 0
  return first >= 0x41 && first <= 0x5a && REQUEST_LINE.test(chunk.toString('latin1', 0, 96))
}

/**
 * Follows whose turn it is on a connection that speaks HTTP/1, so that a server that stops need not wait for a client
 * that has its answer and only keeps the connection. Nothing is parsed while bytes move; the beginning of the last answer
 * is kept, and looked at when somebody asks.
 */
export class HttpTurns {
  #isAsking = false
  #head: Buffer | undefined = undefined
  #headAt = 0
  #endsInLastChunk = false

  /** The client sent something. */
  asked(): void {
    this.#isAsking = true
  }

  /** @param sentBefore Bytes the client was sent before this chunk. */
  answered(chunk: Buffer, sentBefore: number): void {
    if (this.#isAsking) {
      this.#isAsking = false
      // Copied: the chunk may be overwritten by the next, and a large one would be kept whole.
      this.#head = Buffer.from(chunk.subarray(0, HEAD_BYTES))
      this.#headAt = sentBefore
    }
    const { length } = chunk
    this.#endsInLastChunk =
      chunk[length - 1] === 0x0a && length >= LAST_CHUNK.length && chunk.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
  }

  /**
   * Whether the client certainly waits for nothing: it asked nothing yet, or its last answer is whole. False when that
   * cannot be known, as of an answer that ends with the connection, or after an upgrade.
   * @param sent Bytes the client was sent.
   */
  isBetweenRequests(sent: number): boolean {
    if (this.#isAsking) return false
    if (this.#head === undefined) return true
    const text = this.#head.toString('latin1')
    const end = text.indexOf(END_OF_HEAD)
    const [, status] = /^HTTP\/1\.\d (\d{3})\b/.exec(text) ?? []
    if (end < 0 || status === undefined || status.startsWith('1')) return false
    const head = text.slice(0, end + 2)
    if (/\r\ntransfer-encoding:/i.test(head)) return this.#endsInLastChunk
    const bodyless = status === '204' || status === '304'
    const length = bodyless ? '0' : /\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n/i.exec(head)?.[1]
    if (length === undefined) return false
    return sent - this.#headAt === end + END_OF_HEAD.length + Number(length)
  }
}
