import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Small buffers: those of the platform hold a quarter of a megabyte, and are made anew for each call. */
const SMALL = { windowBits: 12, memLevel: 4, chunkSize: 4_096 } as const

/** A text of which thousands are kept and few are read: it is packed into a third of the room from when it rests. */
export class RestingText {
  /** Packed, each character is a byte: so short a text takes less room than a buffer of its own. */
  #kept: string
  #isPacked = false

  constructor(text: string) {
    this.#kept = text
  }

  /** The text; one that rests goes on resting. */
  read(): string {
    return this.#isPacked ? inflateRawSync(Buffer.from(this.#kept, 'latin1'), SMALL).toString() : this.#kept
  }

  /** It will be read seldom from now on. */
  rest(): void {
    if (this.#isPacked) return
    this.#kept = deflateRawSync(this.#kept, SMALL).toString('latin1')
    this.#isPacked = true
  }
}
