import type { Duplex } from 'node:stream'
import type { SocketClient } from '../engine/ports.ts'

/** Sends the client's own bytes back, with half-close and back-pressure. */
export function reflect(client: SocketClient): void {
  const stream: Duplex = client.stream
  stream.on('data', (chunk: Buffer) => {
    client.receivedBytes += chunk.length
    client.sentBytes += chunk.length
    if (!stream.write(chunk) && stream.writableLength > 0) stream.pause()
  })
  stream.on('drain', () => stream.resume())
  stream.on('end', () => stream.end())
  stream.on('finish', () => client.close('Completed'))
  stream.resume()
}
