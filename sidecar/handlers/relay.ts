import type net from 'node:net'
import type { Duplex } from 'node:stream'
import type { SocketClient } from '../engine/ports.ts'
import { beginsRequest, HttpTurns } from './http-turns.ts'

/** Milliseconds a backend has to take the last bytes of a client that is gone. */
const LINGER_MS = 30_000

/** A backend that accepted, TLS included where it is spoken. */
export interface BackendConnection {
  /** The bytes; made with `allowHalfOpen: true`. */
  readonly socket: net.Socket
  /** What TLS runs on; the same as `socket` without TLS. */
  readonly transport: net.Socket
}

/**
 * Copies both ways between the client and the backend until both directions ended, each by its own sender: the end of
 * one side ends the other side's direction alone. A side that does not take its bytes stops the other from being read,
 * so no more is held than what the sockets' buffers do. Closes the client with `Completed`, or with
 * `BackendReset` when the backend breaks off before its end; whoever closes the client closes the backend too.
 *
 * Nothing is allocated or called per chunk beyond the handlers below (and for HTTP/1, whose turn it is): this is the hot path of every byte.
 */
export function relay(client: SocketClient, { socket: backend, transport }: BackendConnection): void {
  const { stream } = client
  let hasBackendEnded = false
  let turns: HttpTurns | undefined

  const followTurns = () => {
    const followed = new HttpTurns()
    turns = followed
    client.isBetweenRequests = () => followed.isBetweenRequests(client.sentBytes)
  }
  if (client.alpnProtocol === 'http/1.1') followTurns()
  else if (client.alpnProtocol === undefined)
    stream.once('data', (chunk: Buffer) => {
      if (beginsRequest(chunk)) followTurns()
    })
  const onClientData = (chunk: Buffer) => {
    turns?.asked()
    client.receivedBytes += chunk.length
    // A chunk as large as the buffer makes write() false even when the kernel took it at once.
    if (!backend.write(chunk) && backend.writableLength > 0) stream.pause()
  }
  const onBackendData = (chunk: Buffer) => {
    turns?.answered(chunk, client.sentBytes)
    client.sentBytes += chunk.length
    if (!stream.write(chunk) && stream.writableLength > 0) backend.pause()
  }
  const finished = () => {
    if (stream.writableFinished && (backend.writableFinished || backend.destroyed)) client.close('Completed')
  }
  const broken = (cause: string) => {
    if (client.closed) return
    if (!hasBackendEnded) {
      client.close('BackendReset', cause)
      return
    }
    // It said all it had to and takes nothing more, as servers do that answer early: the answer still has to arrive,
    // and a client that is stuck in sending would never read it.
    stream.off('data', onClientData)
    stream.resume()
    finished()
  }

  client.onClose = () => {
    if (!hasBackendEnded || !stream.readableEnded) reset(backend, transport)
    else if (backend.writableFinished) backend.destroy()
    // Both ended, and the client's socket is gone as soon as it has taken its part; its last bytes may still be on
    // their way to the backend.
    else lingerOn(backend, transport)
  }
  backend.on('error', (error: NodeJS.ErrnoException) => broken(error.code ?? error.message))
  backend.on('close', () => broken('closed before its end'))

  stream.on('drain', () => backend.resume())
  backend.on('drain', () => stream.resume())
  stream.on('end', () => backend.end())
  backend.on('end', () => {
    hasBackendEnded = true
    stream.end()
  })
  stream.on('finish', finished)
  backend.on('finish', finished)
  backend.on('data', onBackendData)
  stream.on('data', onClientData)
  // A stream that was paused by hand does not flow by itself.
  stream.resume()
  backend.resume()
}

/** Sends the client's own bytes back, with the same half-close and back-pressure. */
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

/** Lets the backend take what was written to it, for a while. It goes by itself once it has. */
function lingerOn(backend: net.Socket, transport: net.Socket): void {
  const timer = setTimeout(() => reset(backend, transport), LINGER_MS).unref()
  backend.on('close', () => clearTimeout(timer))
}

/** Ends a backend so that it cannot take what it received for the whole: by a reset, where the transport has one. */
function reset(backend: net.Socket, transport: net.Socket): void {
  try {
    if (!transport.destroyed) transport.resetAndDestroy()
  } catch {
    // A UNIX socket knows no reset.
    transport.destroy()
  }
  backend.destroy()
}
