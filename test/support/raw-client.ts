import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from './deadline.ts'
import { createReader, type Reader } from './reader.ts'

/** Where to connect, and from which address of loopback; `host` is 127.0.0.1 when not given. */
export type Target =
  | { readonly port: number; readonly host?: string; readonly localAddress?: string }
  | { readonly path: string }

/** What tells one client of a test from all others: its own port, which the system may have used before. */
export interface Origin {
  readonly port: number
  /** When it connected, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** A client that speaks plain TCP and sends whatever it is told. */
export interface RawClient extends Reader, AsyncDisposable {
  readonly socket: Socket
  readonly origin: Origin
  /** Sends the pieces one after the other, each in a TCP segment of its own, `delayMs` (0) apart. */
  send(pieces: readonly (Buffer | string)[] | Buffer | string, delayMs?: number): Promise<void>
  /** Resolves with the milliseconds until the connection is closed by the other side; rejects after `withinMs`. */
  closed(withinMs: number): Promise<number>
}

/** Connects a TCP socket without Nagle's algorithm; it may be half closed. */
export async function openSocket(target: Target): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', ...target, allowHalfOpen: true })
  await within(5_000, 'the TCP connection', once(socket, 'connect'))
  socket.setNoDelay(true)
  return socket
}

/** The origin of a socket that is connected. */
export function originOf(socket: Socket): Origin {
  return { port: socket.localPort ?? 0, at: Date.now() }
}

/** Writes the pieces so that each travels alone, `delayMs` apart. Stops early when the stream breaks. */
export async function sendPieces(stream: Writable, pieces: readonly (Buffer | string)[], delayMs = 0): Promise<void> {
  for (const piece of pieces) {
    if (!stream.writable) return
    await new Promise<void>((resolve) => stream.write(piece, () => resolve()))
    await sleep(delayMs)
  }
}

/** Connects a client; disposing destroys its socket. */
export async function connectRaw(target: Target): Promise<RawClient> {
  const socket = await openSocket(target)
  const reader = createReader(socket)
  const started = performance.now()
  return {
    ...reader,
    socket,
    origin: originOf(socket),
    send: (pieces, delayMs) => sendPieces(socket, Array.isArray(pieces) ? pieces : [pieces as Buffer], delayMs),
    async closed(withinMs) {
      await reader.toEnd(withinMs)
      return performance.now() - started
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}
