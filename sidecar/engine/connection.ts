import { EventEmitter } from 'node:events'
import type net from 'node:net'
import type { Duplex } from 'node:stream'
import { ownedEvents } from '../base/owned-events.ts'
import type { CloseReason } from './close-reason.ts'
import { causeOf } from './defects.ts'
import type { Lane, Places } from './places.ts'
import type { ClientFacts, ClientPhase, ClientRecord, ClientState, SocketClient, TlsFacts } from './ports.ts'
import type { Seat } from './roster.ts'
import { plainAddress, type Source } from './stages/source.ts'

/** Milliseconds of silence after which the kernel asks whether a client is still there; by default it asks after two hours. */
const KEEP_ALIVE_MS = 60_000

/** Milliseconds a closing client has to take what was written to it. */
const LINGER_MS = 5_000
/** The same for one that has everything already. */
const IDLE_LINGER_MS = 500

/** Milliseconds a refused client has to close once it was told why: it keeps its place meanwhile. */
const REFUSED_LINGER_MS = 2_000

const NOTHING = Buffer.alloc(0)

/** What a connection needs of the listener that accepted it. */
export interface ConnectionOwner {
  readonly name: string
  /** Called once, when the socket is gone and the client's place is free. */
  released(connection: Connection): void
}

/** The address and port a client asked for. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/**
 * Our side of one client, from accept to close, and the one owner of its end.
 *
 * Invariants: at most one deadline is armed; the first call of `close` or `refuse` decides the reason; the place is
 * given back exactly once, when the socket is gone.
 */
export class Connection implements SocketClient {
  readonly clientId: string
  readonly listener: string
  readonly socket: net.Socket
  readonly acceptedAt: number
  stream: Duplex
  peerAddress: string
  peerPort: number
  localAddress: string
  localPort: number
  hostTag = ''
  serverName: string | undefined = undefined
  alpnProtocol: string | undefined = undefined
  tls: TlsFacts | undefined = undefined
  /** Whether a handler has the client. */
  isServed = false
  backend = ''
  receivedBytes = 0
  sentBytes = 0
  onClose: (() => void) | undefined = undefined
  isBetweenRequests: (() => boolean) | undefined = undefined
  /** Its place among the clients of the listener. */
  seat: Seat<Connection> | undefined = undefined
  /** Its place among those that no handler has yet. */
  pendingSeat: Seat<Connection> | undefined = undefined
  /** Under which the client is counted among those of its source in all processes, when it is. */
  sharedEntry: number | undefined = undefined
  /** The listener's places while the client holds one; undefined in the overflow lane. */
  places: Places | undefined = undefined
  /** The source the client is counted for, when it is. */
  source: Source | undefined = undefined
  /** The overflow lane the client is in. */
  lane: Lane | undefined = undefined
  /** Why the client goes through the overflow lane; undefined for a client that is served. */
  laneReason: CloseReason | undefined = undefined
  readonly #owner: ConnectionOwner
  #deadline: NodeJS.Timeout | undefined = undefined
  #isKeptAlive = false
  #movedBytes = 0
  #movedAt: number
  #reason: CloseReason | undefined = undefined
  #detail = ''
  /** The socket, and TLS on it. */
  #openStreams = 1

  /**
   * @param acceptedAt Milliseconds of a clock that never jumps, as `now` everywhere below.
   * @param local Where the client came in, when that is known without asking the system.
   */
  constructor(clientId: string, socket: net.Socket, owner: ConnectionOwner, acceptedAt: number, local?: Endpoint) {
    this.clientId = clientId
    this.socket = socket
    this.stream = socket
    this.acceptedAt = acceptedAt
    this.#movedAt = acceptedAt
    this.#owner = owner
    this.listener = owner.name
    this.peerAddress = plainAddress(socket.remoteAddress)
    this.peerPort = socket.remotePort ?? 0
    this.localAddress = local?.address ?? plainAddress(socket.localAddress)
    this.localPort = local?.port ?? socket.localPort ?? 0
    listenToSocket(socket, this)
  }

  get closed(): boolean {
    return this.#reason !== undefined
  }

  /** Closes with `reason` unless `disarm` or another `arm` comes first. */
  arm(milliseconds: number, expired: () => void): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(expired, milliseconds)
  }

  disarm(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /** From here on `stream` is what the handler sees; its end without a word from the handler closes the connection. */
  serveOn(stream: Duplex): void {
    this.stream = stream
    if (stream !== this.socket) {
      this.#openStreams += 1
      listenToTls(stream, this)
    }
  }

  /** A handler has the client from here on. Only now can it be idle: a handshake has a time limit of its own. */
  beginService(now: number): void {
    this.isServed = true
    this.#movedAt = now
  }

  close(reason: CloseReason, detail = ''): void {
    if (!this.#decide(reason, detail)) return
    if (reason === 'Completed') this.#end(LINGER_MS)
    else if (reason === 'BackendReset') {
      this.socket.resetAndDestroy()
      this.stream.destroy()
    } else this.#destroy()
  }

  /** Closes a client that waits for nothing and has been quiet for `quietMs`, in order: its TLS is ended as well. */
  leaveBetweenRequests(now: number, quietMs: number): void {
    this.#noteMovement(now)
    if (now - this.#movedAt < quietMs || this.isBetweenRequests?.() !== true) return
    if (this.#decide('ServerStopped', 'between two requests')) this.#end(IDLE_LINGER_MS)
  }

  /**
   * Ends a connection that was never served, with last words (an alert record, an HTTP answer, a text inside TLS).
   * What the client still sends is read and dropped until it closes: unread bytes would turn the close into a reset,
   * which can overtake the words.
   */
  refuse(reason: CloseReason, detail: string, lastWords?: Uint8Array): void {
    if (!this.#decide(reason, detail)) return
    if (!lastWords || this.socket.destroyed) {
      this.#destroy()
      return
    }
    this.sentBytes += lastWords.length
    this.stream.end(lastWords)
    this.stream.resume()
    this.stream.once('end', () => (this.stream as net.Socket).destroySoon())
    this.arm(REFUSED_LINGER_MS, () => this.#destroy())
  }

  /** Closes a client that was idle or lived too long, or is gone unnoticed. 0 is no limit. */
  checkAge(now: number, idleMs: number, lifetimeMs: number): void {
    this.#noteMovement(now)
    if (!this.isServed) return
    this.#keepAlive()
    if (lifetimeMs > 0 && now - this.acceptedAt >= lifetimeMs) this.close('LivedTooLong')
    else if (idleMs > 0 && now - this.#movedAt >= idleMs) this.close('IdleTooLong')
    else this.#probe()
  }

  /** The whole story so far; the reason is `Completed` while none is decided. */
  record(now: number): ClientRecord {
    return {
      ...this.#facts(),
      durationMs: now - this.acceptedAt,
      reason: this.#reason ?? 'Completed',
      detail: this.#detail,
    }
  }

  /** The client as it is. */
  state(now: number): ClientState {
    this.#noteMovement(now)
    return { ...this.#facts(), phase: this.#phase(), ageMs: now - this.acceptedAt, idleMs: now - this.#movedAt }
  }

  #facts(): ClientFacts {
    return {
      clientId: this.clientId,
      listener: this.listener,
      hostTag: this.hostTag,
      peerAddress: this.peerAddress,
      peerPort: this.peerPort,
      localAddress: this.localAddress,
      localPort: this.localPort,
      serverName: this.serverName,
      alpnProtocol: this.alpnProtocol,
      tls: this.tls,
      backend: this.backend,
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
    }
  }

  #phase(): ClientPhase {
    if (this.#reason !== undefined) return 'close'
    if (this.isServed) return 'serve'
    return this.hostTag === '' ? 'greet' : 'secure'
  }

  /** Asked for when somebody looks, and not at accept: most clients are gone before the kernel would ask. */
  #keepAlive(): void {
    if (this.#isKeptAlive) return
    this.#isKeptAlive = true
    ;(this.stream as net.Socket).setKeepAlive(true, KEEP_ALIVE_MS)
  }

  /**
   * A socket that is not read from, because the client ended its direction or the backend takes nothing, tells nobody
   * that the client reset it. A write of nothing sends nothing and fails then. It goes to the socket below TLS, since
   * TLS keeps the failure of such a write to itself.
   */
  #probe(): void {
    const { stream, socket } = this
    if (!(stream.readableEnded || stream.isPaused()) || stream.writableEnded || socket.destroyed) return
    if (socket.writableLength === 0) socket.write(NOTHING)
  }

  /** No byte is watched while it moves: that some did is seen when somebody looks. */
  #noteMovement(now: number): void {
    const moved = this.receivedBytes + this.sentBytes
    if (moved === this.#movedBytes) return
    this.#movedBytes = moved
    this.#movedAt = now
  }

  #decide(reason: CloseReason, detail: string): boolean {
    if (this.#reason !== undefined) return false
    this.#reason = reason
    this.#detail = detail
    this.disarm()
    const onClose = this.onClose
    this.onClose = undefined
    try {
      onClose?.()
    } catch (error) {
      // A defect of the handler, which must not keep the client from being closed and its place from being given back.
      this.#reason = 'HandlerFailed'
      this.#detail = causeOf(error)
    }
    return true
  }

  /** A stream of the client failed. */
  failed(error: NodeJS.ErrnoException): void {
    // Before a host is chosen and secured nobody served the client: it went away by itself.
    this.close(this.isServed ? 'ClientReset' : 'ClientGone', error.code ?? error.message)
  }

  #end(lingerMs: number): void {
    // To end a stream a second time makes an error that nobody sees and whose stack has to be collected.
    if (!this.stream.writableEnded) this.stream.end()
    // What is still in flight may leave; a client that takes nothing is not waited for.
    this.arm(lingerMs, () => this.#destroy())
    this.stream.resume()
  }

  /** Closes with `reason` without waiting for what is in flight, also a client whose end is decided already. */
  drop(reason: CloseReason): void {
    this.#decide(reason, '')
    this.#destroy()
  }

  #destroy(): void {
    this.stream.destroy()
    this.socket.destroy()
  }

  /** A stream of the client is closed. Bun closes the socket below TLS as soon as the client ends its direction; the client is there until TLS is over. */
  gone(): void {
    this.#openStreams -= 1
    if (this.#openStreams === 0) this.#release()
  }

  #release(): void {
    this.#decide(this.isServed ? 'Completed' : 'ClientGone', '')
    this.disarm()
    this.#owner.released(this)
    letGo(this.socket)
    if (this.stream !== this.socket) letGo(this.stream)
  }
}

const ofConnection = ownedEvents<Connection>((one, error) => one.close('HandlerFailed', causeOf(error)))

const listenToSocket = ofConnection.listeners({
  error: (one, error: NodeJS.ErrnoException) => one.failed(error),
  close: (one) => one.gone(),
})

const listenToTls = ofConnection.listeners({
  error: (one, error: NodeJS.ErrnoException) => one.failed(error),
  close: (one) => {
    one.socket.destroy()
    one.gone()
  },
})

const ignore = () => {}

/**
 * Nothing happens to a stream after its close, but Node keeps that of a TLS connection until the whole heap is collected
 * (its handle is a root of every collection of the young), and with it whoever listens to it.
 */
function letGo(stream: Duplex): void {
  // That of streams asks for a turn of its own, to learn whether anybody still waits to read.
  EventEmitter.prototype.removeAllListeners.call(stream)
  stream.on('error', ignore)
}
