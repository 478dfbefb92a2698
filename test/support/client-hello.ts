import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'

/** What `node:tls` sends first with these options, byte for byte: the record (or records) with its ClientHello. */
export async function captureClientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ ...options, port, host: '127.0.0.1' })
  client.on('error', () => {})
  try {
    const [socket] = await once(server, 'connection')
    let hello = Buffer.alloc(0)
    // One flight may come in several reads; the length in the record header says when it is whole (RFC 8446, 5.1).
    while (hello.length < 5 || hello.length < 5 + hello.readUInt16BE(3)) {
      const [chunk] = await once(socket, 'data')
      hello = Buffer.concat([hello, chunk])
    }
    socket.destroy()
    return hello
  } finally {
    client.destroy()
    server.close()
  }
}

/** Cuts bytes into pieces of `size` bytes. */
export function inPieces(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

/** Spreads the payload of one TLS record over several records of at most `size` bytes each (RFC 8446, 5.1 allows it). */
export function overRecords(record: Buffer, size: number): Buffer {
  const payload = record.subarray(5, 5 + record.readUInt16BE(3))
  const records = inPieces(payload, size).flatMap((piece) => {
    const header = Buffer.from(record.subarray(0, 5))
    header.writeUInt16BE(piece.length, 3)
    return [header, piece]
  })
  return Buffer.concat([...records, record.subarray(5 + payload.length)])
}
