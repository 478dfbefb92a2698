import type net from 'node:net'
import type { Log } from '../base/log.ts'
import type { ListenerConfiguration } from './configuration.ts'
import { Connection, type ConnectionOwner, type Endpoint } from './connection.ts'
import { ListeningSocket, type SocketOwner, whyNot } from './listening-socket.ts'
import { type PipelineContext, type Route, serveConnection } from './pipeline.ts'
import type { Places } from './places.ts'
import type { ListenState } from './ports.ts'
import { Roster } from './roster.ts'

/** Milliseconds between tries of a listener that cannot listen: doubled from the first to the last. */
const RETRY_MS = { first: 250, last: 5_000 } as const

/** Milliseconds between two lines of the log on clients that cannot be accepted. */
const TELL_MS = 10_000

/** Errors of accept after which a listener rests, when each comes within `withinMs` of the one before. */
const ACCEPT_ERRORS = { most: 10, withinMs: 500 } as const

/** What all listeners of an engine share. */
export interface ListenerContext extends PipelineContext {
  readonly log: Log
  nextClientId(): string
}

/**
 * A listener by its name, and the clients it accepted. Its socket, its route (hosts, TLS, PROXY protocol) and its limits
 * are replaced in place: clients inside do not notice.
 */
export class Listener implements ConnectionOwner, SocketOwner {
  readonly name: string
  readonly clients = new Roster<Connection>()
  readonly places: Places
  readonly #context: ListenerContext
  #configuration: ListenerConfiguration
  #route: Route
  #socket: ListeningSocket | undefined = undefined
  #retry: NodeJS.Timeout | undefined = undefined
  #error = 'not opened yet'
  /** What the observer was told last. */
  #told = ''
  readonly #acceptErrors = { inARow: 0, at: Number.NEGATIVE_INFINITY, toldAt: Number.NEGATIVE_INFINITY }

  /** @param places Those of the name, which clients may hold that are still leaving. */
  constructor(configuration: ListenerConfiguration, route: Route, context: ListenerContext, places: Places) {
    this.name = configuration.name
    this.places = places
    this.#configuration = configuration
    this.#route = route
    this.#context = context
  }

  /** The underlying server while it listens. */
  get server(): net.Server | undefined {
    return this.#socket?.server
  }

  get socket(): ListeningSocket | undefined {
    return this.#socket
  }

  state(): ListenState {
    const { name, address, port, socketFamily, tls } = this.#configuration
    return {
      name,
      state: this.#socket ? 'Listening' : 'Closed',
      address,
      port,
      socketFamily,
      tls,
      clients: this.places.live,
      error: this.#error,
    }
  }

  /**
   * Moves to another configuration, with a socket for it or the error of the system for which there is none: then it is
   * tried again with back-off. The socket it had is another's from here on.
   */
  become(configuration: ListenerConfiguration, route: Route, found: ListeningSocket | NodeJS.ErrnoException): void {
    clearTimeout(this.#retry)
    this.#configuration = configuration
    this.places.maxClients = configuration.maxClients
    this.#route = route
    if (found instanceof ListeningSocket) this.#listenOn(found)
    else {
      this.#socket = undefined
      this.#changed(whyNot(found, configuration))
      this.openLater()
    }
  }

  /** Gives the socket away; whoever comes waits at it. */
  release(): ListeningSocket | undefined {
    const socket = this.#socket
    this.#socket = undefined
    return socket
  }

  /** Tries to listen until it does or is closed. */
  openLater(delay: number = RETRY_MS.first): void {
    clearTimeout(this.#retry)
    const retry = setTimeout(async () => {
      const at = this.#configuration
      const isShared = this.#context.shared !== undefined
      const found = await ListeningSocket.open(at, isShared).catch((error: NodeJS.ErrnoException) => error)
      const isOutdated = this.#retry !== retry
      if (found instanceof ListeningSocket) {
        if (isOutdated) await found.close()
        else this.#listenOn(found)
      } else if (!isOutdated) {
        this.#changed(whyNot(found, at))
        this.openLater(Math.min(Math.max(delay, RETRY_MS.first) * 2, RETRY_MS.last))
      }
    }, delay)
    this.#retry = retry
    retry.unref()
  }

  /** Stops listening and leaves the clients alone. Resolves when the port is free. */
  async close(): Promise<void> {
    clearTimeout(this.#retry)
    this.#retry = undefined
    const socket = this.release()
    if (!socket) return
    const free = socket.close()
    this.#changed('closed')
    await free
  }

  /** Tells that the configuration no longer has it. */
  removed(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#changed('closed')
  }

  accept(socket: net.Socket, local: Endpoint | undefined): void {
    const { nextClientId, clock } = this.#context
    const connection = new Connection(nextClientId(), socket, this, clock.elapsed(), local)
    connection.seat = this.clients.add(connection)
    this.#context.observer.clientOpened(this.name, connection)
    serveConnection(connection, this.#route, this.places, this.#context)
  }

  /**
   * When descriptors are out (EMFILE, ENFILE) libuv takes the waiting clients by a spare one and drops them, without a
   * word. Some of its versions report an error that stays, and report it again as fast as they can for as long as
   * somebody waits: then the listener rests. One that does not stay (a client left before accept) costs a line.
   */
  cannotAccept(error: NodeJS.ErrnoException): void {
    const now = this.#context.clock.elapsed()
    const errors = this.#acceptErrors
    errors.inARow = now - errors.at < ACCEPT_ERRORS.withinMs ? errors.inARow + 1 : 1
    errors.at = now
    if (now - errors.toldAt >= TELL_MS) {
      errors.toldAt = now
      this.#context.log('warn', 'cannot accept a client', { listener: this.name, error: error.message })
    }
    if (errors.inARow < ACCEPT_ERRORS.most) return
    errors.inARow = 0
    void this.release()?.close()
    this.#changed(`cannot accept clients (${error.code ?? error.message}); it listens again after a rest`)
    this.openLater()
  }

  released(connection: Connection): void {
    if (connection.seat) this.clients.delete(connection.seat)
    this.#context.gate.release(connection)
    if (connection.sharedEntry !== undefined) this.#context.shared?.leave(connection.sharedEntry)
    this.#context.observer.clientClosed(connection.record(this.#context.clock.elapsed()))
  }

  #listenOn(socket: ListeningSocket): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#socket = socket
    this.#changed('')
    socket.belongTo(this)
  }

  #changed(error: string): void {
    this.#error = error
    const { clients: _, ...state } = this.state()
    const told = JSON.stringify(state)
    if (this.#told === told) return
    this.#told = told
    this.#context.observer.listenerChanged(this.state())
  }
}
