import net from 'node:net'
import type { Log } from '../base/log.ts'
import type { ListenerConfiguration } from './configuration.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import { type PipelineContext, type Route, serveConnection } from './pipeline.ts'
import type { ListenState } from './ports.ts'

/** Milliseconds between tries of a listener that cannot listen: doubled from the first to the last. */
const RETRY_MS = { first: 250, last: 5_000 } as const

/** What all listeners of an engine share. */
export interface ListenerContext extends PipelineContext {
  readonly log: Log
  nextClientId(): string
}

/**
 * One listening socket and the clients it accepted. It closes and opens again without its clients noticing;
 * its route (hosts, PROXY protocol) is replaced in place.
 */
export class Listener implements ConnectionOwner {
  readonly configuration: ListenerConfiguration
  readonly clients = new Set<Connection>()
  readonly places: { maxClients: number; live: number }
  route: Route
  readonly #context: ListenerContext
  #server: net.Server | undefined = undefined
  #retry: NodeJS.Timeout | undefined = undefined
  #error = 'not opened yet'

  constructor(configuration: ListenerConfiguration, route: Route, context: ListenerContext) {
    this.configuration = configuration
    this.places = { maxClients: configuration.maxClients, live: 0 }
    this.route = route
    this.#context = context
  }

  get name(): string {
    return this.configuration.name
  }

  /** The underlying server while it listens. */
  get server(): net.Server | undefined {
    return this.#server
  }

  state(): ListenState {
    const { name, address, port, socketFamily, tls } = this.configuration
    return {
      name,
      state: this.#server ? 'Listening' : 'Closed',
      address,
      port,
      socketFamily,
      tls,
      clients: this.places.live,
      error: this.#error,
    }
  }

  /** Starts listening. @throws the error of the system when it cannot; `state()` then tells it in plain words. */
  async open(): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#server) return
    try {
      this.#server = await this.#listen()
      this.#changed('')
    } catch (error) {
      this.#changed(whyNot(error as NodeJS.ErrnoException, this.configuration))
      throw error
    }
  }

  /** Tries again with back-off until it listens or is closed. */
  openLater(delay: number = RETRY_MS.first): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.open().catch(() => this.openLater(Math.min(delay * 2, RETRY_MS.last)))
    }, delay)
    this.#retry.unref()
  }

  /** Stops listening and leaves the clients alone. Resolves when the port is free. */
  async close(): Promise<void> {
    clearTimeout(this.#retry)
    const server = this.#server
    this.#server = undefined
    if (!server) return
    // The callback of close() waits for every client; the port itself is free once the handle is closed.
    server.close()
    this.#changed('closed')
    await new Promise(setImmediate)
  }

  released(connection: Connection): void {
    this.clients.delete(connection)
    this.#context.gate.release(connection)
    this.#context.observer.clientClosed(connection.record(this.#context.clock.now()))
  }

  async #listen(): Promise<net.Server> {
    const { address, port, socketFamily, listenBacklog } = this.configuration
    const options = { port, backlog: listenBacklog }
    if (address === '::' && socketFamily === 'IPv4') return this.#bind({ ...options, host: '0.0.0.0' })
    try {
      return await this.#bind({ ...options, host: address, ipv6Only: socketFamily === 'IPv6' })
    } catch (error) {
      // A machine without IPv6: every address is every IPv4 address there.
      if (address !== '::' || socketFamily !== 'Any' || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT')
        throw error
      return this.#bind({ ...options, host: '0.0.0.0' })
    }
  }

  #bind(options: net.ListenOptions): Promise<net.Server> {
    return new Promise((resolve, reject) => {
      const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true })
      server.once('error', reject)
      server.listen(options, () => {
        server.off('error', reject)
        // Out of descriptors, or a client that left before accept: the server goes on.
        server.on('error', (error) =>
          this.#context.log('warn', 'cannot accept a client', { listener: this.name, error: error.message }),
        )
        server.on('connection', (socket) => this.#accept(socket))
        resolve(server)
      })
    })
  }

  #accept(socket: net.Socket): void {
    const connection = new Connection(this.#context.nextClientId(), socket, this, this.#context.clock.now())
    this.clients.add(connection)
    this.#context.observer.clientOpened(this.name)
    void serveConnection(connection, this.route, this.places, this.#context)
  }

  #changed(error: string): void {
    if (this.#error === error) return
    this.#error = error
    this.#context.observer.listenerChanged(this.state())
  }
}

/** Why a listener does not listen, with the cure. */
function whyNot(error: NodeJS.ErrnoException, { address, port }: ListenerConfiguration): string {
  const where = `${address.includes(':') ? `[${address}]` : address}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return `another server is already listening on ${where}; stop it or choose another port`
    case 'EACCES':
      return `no right to listen on ${where}; ports below 1024 need CAP_NET_BIND_SERVICE or the sysctl net.ipv4.ip_unprivileged_port_start`
    case 'EADDRNOTAVAIL':
      return `"${address}" is no address of this machine; name one of its own, or "::" for all`
    case 'EAFNOSUPPORT':
      return `the machine has no IPv6, which "${address}" needs; use an IPv4 address`
    default:
      return `cannot listen on ${where}: ${error.message}`
  }
}
