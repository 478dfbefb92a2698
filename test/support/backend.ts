import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Part } from './manifest.ts'

/** One connection to a backend, as the backend sees it. */
export interface BackendConnection {
  readonly socket: Socket | TLSSocket
  readonly remotePort: number | undefined
  /** Everything received; empty with a service that does not keep it. */
  received: Buffer
  receivedBytes: number
  /** The other side ended its direction. */
  ended: boolean
  closed: boolean
}

/** What a backend does with a connection. */
export type Service = (connection: BackendConnection) => void

/** Sends back what it receives, and ends when the client ends. */
export const echo: Service = ({ socket }) => void socket.pipe(socket)

/** Sends a fixed text at once, then echoes; it lets tests see which backend serves them. */
export const greet =
  (text: string): Service =>
  ({ socket }) => {
    socket.write(text)
    socket.pipe(socket)
  }

/** Keeps what it receives and sends nothing; it leaves its own direction open when the client ends. */
export const record: Service = (connection) => {
  connection.socket.on('data', (chunk: Buffer) => {
    connection.received = Buffer.concat([connection.received, chunk])
  })
}

/** Reads to the end, answers with the SHA-256 of it in hexadecimal, and ends. */
export const digest: Service = ({ socket }) => {
  const hash = createHash('sha256')
  socket.on('data', (chunk: Buffer) => hash.update(chunk))
  socket.on('end', () => socket.end(hash.digest('hex')))
}

/** Sends `count` bytes of zeros as fast as they are taken, and ends. */
export const pour =
  (count: number): Service =>
  ({ socket }) => {
    const chunk = Buffer.alloc(65_536)
    let left = count
    const more = () => {
      while (left > 0) {
        const piece = chunk.subarray(0, Math.min(left, chunk.length))
        left -= piece.length
        if (!socket.write(piece)) return void socket.once('drain', more)
      }
      socket.end()
    }
    socket.resume()
    more()
  }

/** How a backend listens. */
export interface BackendOptions {
  /** A port, for example that of a backend which is to come back; default: a free one. */
  readonly port?: number
  /** A UNIX socket instead of a port. */
  readonly path?: string
  /** Speaks TLS with these options. */
  readonly tls?: TlsOptions
}

/** A real server on loopback. */
export interface Backend extends AsyncDisposable {
  readonly port: number
  /** The entry for `backends` of a manifest. */
  readonly backend: Part
  /** All connections so far, oldest first; with TLS those whose handshake succeeded. */
  readonly connections: readonly BackendConnection[]
  /** Stops listening and destroys every connection. */
  close(): Promise<void>
}

/** Starts a backend that does `service` with each connection. */
export async function startBackend(service: Service, options: BackendOptions = {}): Promise<Backend> {
  const connections: BackendConnection[] = []
  const sockets = new Set<Socket>()
  const accept = (socket: Socket) => {
    const { remotePort } = socket
    const connection: BackendConnection = {
      ...{ socket, remotePort, received: Buffer.alloc(0), receivedBytes: 0 },
      ...{ ended: false, closed: false },
    }
    connections.push(connection)
    socket.on('error', () => {})
    socket.on('end', () => {
      connection.ended = true
    })
    socket.on('close', () => {
      connection.closed = true
    })
    // Counting must not make the stream flow: only the service decides whether anything is read.
    const push = socket.push.bind(socket)
    socket.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk !== null) connection.receivedBytes += chunk.length
      return push(chunk, encoding)
    }
    service(connection)
  }
  const server =
    options.tls === undefined
      ? createTcpServer({ allowHalfOpen: true }, accept)
      : createTlsServer({ ...options.tls, allowHalfOpen: true } as TlsOptions, accept)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  // A handshake that fails is the engine's story to tell.
  server.on('tlsClientError', () => {})
  server.listen(options.path === undefined ? { port: options.port ?? 0, host: '127.0.0.1' } : { path: options.path })
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    port,
    backend: options.path === undefined ? { host: '127.0.0.1', port } : { unixPath: options.path },
    connections,
    close,
    [Symbol.asyncDispose]: close,
  }
}
