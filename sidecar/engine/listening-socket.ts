import net from 'node:net'
import { listenOn } from '../base/listen-on.ts'
import type { ListenerConfiguration } from './configuration.ts'
import type { Endpoint } from './connection.ts'
import { plainAddress } from './stages/source.ts'

/** What of a listener its socket depends on; everything else is replaced in place. */
export type SocketAddress = Pick<ListenerConfiguration, 'address' | 'port' | 'socketFamily' | 'listenBacklog'>

/** What is done with what comes in. */
export interface SocketOwner {
  /** @param local Where the client came in; undefined when the system has to be asked, as it may be one of several addresses. */
  accept(socket: net.Socket, local: Endpoint | undefined): void
  cannotAccept(error: NodeJS.ErrnoException): void
}

/** Equal for addresses that one and the same socket serves. */
export function socketKey({ address, port, socketFamily, listenBacklog }: SocketAddress): string {
  return `${address} ${port} ${socketFamily} ${listenBacklog}`
}

/** Whether the system may refuse to have both at once. */
export function overlaps(one: SocketAddress, other: SocketAddress): boolean {
  return one.port === other.port && (one.address === other.address || isAny(one.address) || isAny(other.address))
}

const isAny = (address: string) => address === '::' || address === '0.0.0.0'

function localOf(bound: ReturnType<net.Server['address']>): Endpoint | undefined {
  if (bound === null || typeof bound === 'string' || isAny(bound.address)) return undefined
  return { address: plainAddress(bound.address), port: bound.port }
}

/**
 * One listening socket. It belongs to one listener at a time and may be handed to another without being closed; who
 * comes while it belongs to nobody waits.
 */
export class ListeningSocket {
  readonly address: SocketAddress
  readonly server: net.Server
  #owner: SocketOwner | undefined = undefined
  #waiting: net.Socket[] = []
  readonly #local: Endpoint | undefined

  private constructor(address: SocketAddress, server: net.Server) {
    this.address = address
    this.server = server
    this.#local = localOf(server.address())
    // Out of descriptors, or a client that left before accept: the server goes on.
    server.on('error', (error) => this.#owner?.cannotAccept(error))
    server.on('connection', (socket: net.Socket) => {
      if (this.#owner) this.#owner.accept(socket, this.#local)
      else {
        socket.on('error', () => {})
        this.#waiting.push(socket)
      }
    })
  }

  /**
   * Listens from here on.
   * @param isShared Whether other processes may listen on the same: the system spreads the clients over them.
   * @throws the error of the system when it cannot.
   */
  static async open(at: SocketAddress, isShared = false): Promise<ListeningSocket> {
    const { address, port, socketFamily, listenBacklog } = at
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
    await listenOn(server, {
      ...{ port, backlog: listenBacklog, host: address === '::' && socketFamily === 'IPv4' ? '0.0.0.0' : address },
      ...(socketFamily === 'IPv6' ? { ipv6Only: true } : {}),
      ...(isShared ? { reusePort: true } : {}),
    })
    return new ListeningSocket(at, server)
  }

  /** Hands the socket, and who waits, to `owner`. */
  belongTo(owner: SocketOwner): void {
    this.#owner = owner
    for (const socket of this.#waiting.splice(0)) owner.accept(socket, this.#local)
  }

  /** Stops listening and leaves the clients alone. Resolves when the port is free. */
  async close(): Promise<void> {
    // The callback of close() waits for every client; the port itself is free once the handle is closed.
    this.server.close()
    for (const socket of this.#waiting.splice(0)) socket.destroy()
    await new Promise(setImmediate)
  }
}

/** Why a socket cannot be listened on, with the cure. */
export function whyNot(error: NodeJS.ErrnoException, { address, port }: SocketAddress): string {
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
