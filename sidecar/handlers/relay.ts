import type net from 'node:net'
import { ownedEvents } from '../base/owned-events.ts'
import { causeOf } from '../engine/defects.ts'
import type { SocketClient } from '../engine/ports.ts'
import type { LentReader, LentTaker } from './backends/lent-buffer.ts'
import { beginsRequest, HttpTurns } from './http-turns.ts'

/** Milliseconds a backend has to take the last bytes of a client that is gone. */
const LINGER_MS = 30_000

/** A backend that accepted, TLS included where it is spoken. */
export interface BackendConnection {
  /** The bytes; made with `allowHalfOpen: true`. */
  readonly socket: net.Socket
  /** What TLS runs on; the same as `socket` without TLS. */
  readonly transport: net.Socket
  /** Who reads `socket`, when it emits no `data`: what it takes is overwritten by the next read. */
  readonly lent: LentReader | undefined
}

/**
 * Copies both ways between the client and the backend until both directions ended, each by its own sender: the end of
 * one side ends the other side's direction alone. A side that does not take its bytes stops the other from being read,
 * so no more is held than what the sockets' buffers do. Closes the client with `Completed`, or with
 * `BackendReset` when the backend breaks off before its end; whoever closes the client closes the backend too.
 */
export function relay(client: SocketClient, connection: BackendConnection): void {
  new Relay(client, connection).begin(connection.lent)
}

/** Nothing is allocated per chunk (but for HTTP/1, whose turn it is): this is the hot path of every byte. */
class Relay implements LentTaker {
  readonly #client: SocketClient
  readonly #backend: net.Socket
  readonly #transport: net.Socket
  #hasBackendEnded = false
  /** What the client still sends is dropped. */
  #isBackendGone = false
  #turns: HttpTurns | undefined = undefined
  /** Whether the first bytes are still to tell what the client speaks. */
  #isToBeSeen: boolean

  constructor(client: SocketClient, { socket, transport }: BackendConnection) {
    this.#client = client
    this.#backend = socket
    this.#transport = transport
    this.#isToBeSeen = client.alpnProtocol === undefined
    if (client.alpnProtocol === 'http/1.1') this.#followTurns()
  }

  begin(lent: LentReader | undefined): void {
    const { stream } = this.#client
    const backend = this.#backend
    this.#client.onClose = () => this.#closed()
    listenToBackend(backend, this)
    listenToClient(stream, this)
    if (lent) lent.taker = this
    else listenToBytes(backend, this)
    // A stream that was paused by hand does not flow by itself.
    stream.resume()
    backend.resume()
  }

  fromClient(chunk: Buffer): void {
    if (this.#isBackendGone) return
    const backend = this.#backend
    if (this.#isToBeSeen) {
      this.#isToBeSeen = false
      if (beginsRequest(chunk)) this.#followTurns()
    }
    this.#turns?.asked()
    this.#client.receivedBytes += chunk.length
    // A chunk as large as the buffer makes write() false even when the kernel took it at once.
    if (!backend.write(chunk) && backend.writableLength > 0) this.#client.stream.pause()
  }

  fromBackend(chunk: Buffer): void {
    const client = this.#client
    const { stream } = client
    this.#turns?.answered(chunk, client.sentBytes)
    client.sentBytes += chunk.length
    if (!stream.write(chunk) && stream.writableLength > 0) this.#backend.pause()
  }

  takeLent(chunk: Buffer): void {
    try {
      // Behind what waits already a lent chunk would wait too, and be overwritten meanwhile.
      this.fromBackend(this.#client.stream.writableLength > 0 ? Buffer.from(chunk) : chunk)
    } catch (error) {
      this.failed(error)
    }
  }

  clientTakesMore(): void {
    this.#backend.resume()
  }

  backendTakesMore(): void {
    this.#client.stream.resume()
  }

  clientEnded(): void {
    this.#backend.end()
  }

  backendEnded(): void {
    this.#hasBackendEnded = true
    this.#client.stream.end()
  }

  finished(): void {
    const { stream } = this.#client
    const backend = this.#backend
    if (stream.writableFinished && (backend.writableFinished || backend.destroyed)) this.#client.close('Completed')
  }

  broken(cause: string): void {
    const client = this.#client
    if (client.closed) return
    if (!this.#hasBackendEnded) {
      client.close('BackendReset', cause)
      return
    }
    // It said all it had to and takes nothing more, as servers do that answer early: the answer still has to arrive,
    // and a client that is stuck in sending would never read it.
    this.#isBackendGone = true
    client.stream.resume()
    this.finished()
  }

  failed(error: unknown): void {
    this.#client.close('HandlerFailed', causeOf(error))
  }

  #followTurns(): void {
    const client = this.#client
    const turns = new HttpTurns()
    this.#turns = turns
    client.isBetweenRequests = () => turns.isBetweenRequests(client.sentBytes)
  }

  #closed(): void {
    const backend = this.#backend
    if (!this.#hasBackendEnded || !this.#client.stream.readableEnded) reset(backend, this.#transport)
    else if (backend.writableFinished) backend.destroy()
    // Both ended, and the client's socket is gone as soon as it has taken its part; its last bytes may still be on
    // their way to the backend.
    else lingerOn(backend, this.#transport)
  }
}

const ofRelay = ownedEvents<Relay>((one, error) => one.failed(error))

const listenToClient = ofRelay.listeners({
  drain: (one) => one.clientTakesMore(),
  end: (one) => one.clientEnded(),
  finish: (one) => one.finished(),
  data: (one, chunk: Buffer) => one.fromClient(chunk),
})

const listenToBackend = ofRelay.listeners({
  error: (one, error: NodeJS.ErrnoException) => one.broken(error.code ?? error.message),
  close: (one) => one.broken('closed before its end'),
  drain: (one) => one.backendTakesMore(),
  end: (one) => one.backendEnded(),
  finish: (one) => one.finished(),
})

const listenToBytes = ofRelay.listeners({ data: (one, chunk: Buffer) => one.fromBackend(chunk) })

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
