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
    ofRelay.own(stream, this)
    ofRelay.own(backend, this)
    backend.on('error', onBackendError)
    backend.on('close', onBackendClose)
    stream.on('drain', onClientDrain)
    backend.on('drain', onBackendDrain)
    stream.on('end', onClientEnd)
    backend.on('end', onBackendEnd)
    stream.on('finish', onFinish)
    backend.on('finish', onFinish)
    if (lent) lent.taker = this
    else backend.on('data', onBackendData)
    stream.on('data', onClientData)
    // A stream that was paused by hand does not flow by itself.
    stream.resume()
    backend.resume()
  }

  fromClient(chunk: Buffer): void {
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
    client.stream.off('data', onClientData)
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
    ofRelay.own(this.#client.stream, undefined)
    ofRelay.own(backend, undefined)
    if (!this.#hasBackendEnded || !this.#client.stream.readableEnded) reset(backend, this.#transport)
    else if (backend.writableFinished) backend.destroy()
    // Both ended, and the client's socket is gone as soon as it has taken its part; its last bytes may still be on
    // their way to the backend.
    else lingerOn(backend, this.#transport)
  }
}

const owner = Symbol('relay')
type Owned = { [owner]?: Relay | undefined }
const ofRelay = ownedEvents<Relay>(
  {
    get: (emitter: Owned) => emitter[owner],
    set: (emitter: Owned, one) => {
      emitter[owner] = one
    },
  },
  (one, error) => one.failed(error),
)
const onClientData = ofRelay.listener<Buffer>((one, chunk) => one.fromClient(chunk))
const onClientDrain = ofRelay.listener((one) => one.clientTakesMore())
const onClientEnd = ofRelay.listener((one) => one.clientEnded())
const onBackendData = ofRelay.listener<Buffer>((one, chunk) => one.fromBackend(chunk))
const onBackendDrain = ofRelay.listener((one) => one.backendTakesMore())
const onBackendEnd = ofRelay.listener((one) => one.backendEnded())
const onBackendClose = ofRelay.listener((one) => one.broken('closed before its end'))
const onBackendError = ofRelay.listener<NodeJS.ErrnoException>((one, error) => one.broken(error.code ?? error.message))
const onFinish = ofRelay.listener((one) => one.finished())

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
