import { StringDecoder } from 'node:string_decoder'

/** The lines of a stream of UTF-8, without their ends; empty ones are left out. An unfinished last line is dropped. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  // Pieces of a line that has not ended: joined once, so that a long line costs its length and not its square.
  let pieces: string[] = []
  for await (const chunk of chunks) {
    const text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      pieces.push(text.slice(from, end))
      from = end + 1
      const line = pieces.join('')
      pieces = []
      if (line !== '') yield line
    }
    if (from < text.length) pieces.push(text.slice(from))
  }
}
