import { randomBytes } from 'node:crypto'
import type net from 'node:net'
import type { SteadyClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { CloseReason } from './close-reason.ts'
import type { EngineConfiguration, EngineTimeouts, HostConfiguration, ListenerConfiguration } from './configuration.ts'
import type { Connection } from './connection.ts'
import { Gate, type GateSettings } from './gate.ts'
import { type HostEntry, hostEntry } from './host-entry.ts'
import { Listener, type ListenerContext } from './listener.ts'
import { type ListeningSocket, socketKey } from './listening-socket.ts'
import type { Route } from './pipeline.ts'
import { emptyPlaces, type Places } from './places.ts'
import type { ClientState, EngineObserver, ListenState, LiveTraffic } from './ports.ts'
import { type Found, type Reservation, reserve } from './reservation.ts'
import type { SharedLimits } from './shared-limits.ts'
import { proxySettings } from './stages/proxy-header.ts'
import { HostTable } from './tls/host-table.ts'

/** Bounds of the pause between two looks at the clients' ages, in milliseconds. */
const AGE_CHECK_MS = { least: 100, most: 5_000 } as const

/** A gate that stands open, until there is a configuration. */
const OPEN: GateSettings = {
  maxClients: 0,
  maxClientsPerSource: 0,
  acceptRatePerSource: { perSecond: 0, burst: 0 },
  allow: [],
  deny: [],
  banner: Buffer.alloc(0),
  bannerTooBusy: Buffer.alloc(0),
  lanes: { tls: 0, plain: 0 },
}

/** What an engine is made of. */
export interface EngineOptions {
  readonly clock: SteadyClock
  readonly log: Log
  readonly observer: EngineObserver
  /** What is shared with other processes that serve the same; undefined in one that serves alone. */
  readonly sharing?: EngineSharing | undefined
}

/** What processes that serve the same share. */
export interface EngineSharing {
  readonly limits: SharedLimits
  /** Put before each client id, so that it is unique among the processes. */
  readonly clientIdPrefix: string
}

/**
 * The listener engine: serves one configuration and moves to another as a difference. Listeners that stay keep
 * listening, hosts whose configuration object is the same keep their TLS state, and no client in service is touched
 * by a change of anything else.
 */
export class Engine {
  readonly #context: ListenerContext
  #listeners = new Map<string, Listener>()
  /** Listeners that are closed and still have clients. */
  readonly #leaving = new Set<Listener>()
  /** Prepared hosts by configuration object: a host that did not change is not prepared again. */
  #entries = new Map<HostConfiguration, HostEntry>()
  #ticketSecrets: readonly Buffer[] = [randomBytes(32)]
  #clientsSoFar = 0
  #ages: NodeJS.Timeout | undefined = undefined
  #ageCheckMs = 0
  #closings = 0

  constructor(options: EngineOptions) {
    const { sharing, ...rest } = options
    const prefix = sharing?.clientIdPrefix ?? 'c-'
    this.#context = {
      ...rest,
      shared: sharing?.limits,
      gate: new Gate(OPEN, sharing?.limits),
      timeouts: { handshakeMs: 0, idleMs: 0, lifetimeMs: 0, drainMs: 0 },
      nextClientId: () => prefix + (++this.#clientsSoFar).toString(36),
    }
  }

  /** Clients from accept to close, over all listeners. */
  get clientCount(): number {
    return this.#context.gate.live
  }

  /** One state per listener, in the order of the configuration. */
  listenStates(): readonly ListenState[] {
    return [...this.#listeners.values()].map((listener) => listener.state())
  }

  /** The underlying server of a listener while it listens. */
  netServer(name: string): net.Server | undefined {
    return this.#listeners.get(name)?.server
  }

  /** Every client from accept until its socket is gone, also of listeners that are closed; oldest first per listener. */
  clients(): readonly ClientState[] {
    const now = this.#context.clock.elapsed()
    const states: ClientState[] = []
    for (const connection of this.#connections()) states.push(connection.state(now))
    return states
  }

  /**
   * Closes the clients with these ids, with `reason`; returns those of them that were there and not closing already.
   * They are looked for among all: an index would cost every client something, for what is asked now and then.
   */
  disconnect(clientIds: ReadonlySet<string>, reason: CloseReason): readonly string[] {
    const found: Connection[] = []
    for (const connection of this.#connections())
      if (!connection.closed && clientIds.has(connection.clientId)) found.push(connection)
    for (const connection of found) connection.close(reason)
    return found.map(({ clientId }) => clientId)
  }

  /** What the connected clients have moved so far, one entry per listener and host. */
  liveTraffic(): readonly LiveTraffic[] {
    const sums = new Map<string, Map<string, LiveTraffic>>()
    for (const { listener, hostTag, receivedBytes, sentBytes } of this.#connections()) {
      const ofListener = sums.get(listener) ?? new Map<string, LiveTraffic>()
      sums.set(listener, ofListener)
      const sum = ofListener.get(hostTag) ?? { listener, hostTag, clients: 0, receivedBytes: 0, sentBytes: 0 }
      ofListener.set(hostTag, sum)
      sum.clients += 1
      sum.receivedBytes += receivedBytes
      sum.sentBytes += sentBytes
    }
    return [...sums.values()].flatMap((ofListener) => [...ofListener.values()])
  }

  /**
   * Opens the sockets another configuration needs, so that it is known whether it can be served before anything changes.
   * @throws {ListenError} Under `AllOrNothing` when a listener cannot listen; everything is then as it was.
   */
  reserve(wanted: Pick<EngineConfiguration, 'bindPolicy' | 'listeners'>): Promise<Reservation> {
    return reserve(wanted, this.#listeners.values(), this.#context.shared !== undefined)
  }

  /**
   * Serves `configuration` from here on. Between two clients everything changes at once: listeners, hosts, limits.
   * @param reserved Its sockets, when they are opened already.
   * @throws {ListenError} Under `AllOrNothing` when a listener cannot listen; everything is then as it was.
   */
  async apply(configuration: EngineConfiguration, reserved?: Reservation): Promise<void> {
    const closings = this.#closings
    const reservation = reserved ?? (await this.reserve(configuration))
    if (closings !== this.#closings) return reservation.cancel()
    this.#context.gate.replace(configuration.gate)
    this.#context.timeouts = configuration.timeouts
    this.#watchAges(configuration.timeouts)
    const servers = new Map([...this.#entries].map(([host, entry]) => [host.tls, entry.server]))
    const entries = new Map<HostConfiguration, HostEntry>()
    for (const host of configuration.hosts)
      entries.set(host, this.#entries.get(host) ?? hostEntry(host, this.#ticketSecrets, servers.get(host.tls)))
    this.#entries = entries
    await this.#moveListeners(configuration, reservation.found)
  }

  /**
   * Makes session tickets with the first secret from here on, and takes those of all of them; by default there is one
   * secret, of this engine alone.
   * @param secrets At least one, the newest first.
   */
  useTicketSecrets(secrets: readonly Buffer[]): void {
    this.#ticketSecrets = secrets
    for (const entry of this.#entries.values()) entry.server?.useTicketSecrets(secrets)
  }

  /** Nobody enters from here on; who is inside goes on. */
  refuseNewClients(): void {
    this.#context.gate.draining = true
  }

  /** Stops listening; clients go on. */
  async close(): Promise<void> {
    this.#closings += 1
    if (this.clientCount === 0) {
      clearInterval(this.#ages)
      this.#ageCheckMs = 0
    }
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()))
  }

  /** Closes the clients that wait for nothing and have been quiet for `quietMs`. */
  closeBetweenRequests(quietMs: number): void {
    const now = this.#context.clock.elapsed()
    for (const connection of this.#connections()) connection.leaveBetweenRequests(now, quietMs)
  }

  /** Closes every client with `reason`. */
  dropClients(reason: CloseReason): void {
    for (const connection of this.#connections()) connection.drop(reason)
  }

  /** One timer looks at all clients: none per client, and nothing per chunk. */
  #watchAges({ idleMs, lifetimeMs }: EngineTimeouts): void {
    const shortest = Math.min(idleMs || Number.POSITIVE_INFINITY, lifetimeMs || Number.POSITIVE_INFINITY)
    const every = Math.min(Math.max(shortest / 8, AGE_CHECK_MS.least), AGE_CHECK_MS.most)
    // A timer begun anew with every change would never come to its end under many changes.
    if (every === this.#ageCheckMs) return
    this.#ageCheckMs = every
    clearInterval(this.#ages)
    this.#ages = setInterval(() => {
      const now = this.#context.clock.elapsed()
      this.#context.gate.sweep(now)
      const limits = this.#context.timeouts
      for (const connection of this.#connections()) connection.checkAge(now, limits.idleMs, limits.lifetimeMs)
      for (const listener of this.#leaving) if (listener.clients.size === 0) this.#leaving.delete(listener)
    }, every)
    this.#ages.unref()
  }

  *#connections(): Iterable<Connection> {
    for (const listener of [...this.#listeners.values(), ...this.#leaving]) yield* listener.clients
  }

  /** A listener keeps its clients by its name, and a socket goes to whoever needs it: swapped ports are swapped sockets. */
  async #moveListeners(configuration: EngineConfiguration, opened: ReadonlyMap<string, Found>): Promise<void> {
    const before = this.#listeners
    const sockets = new Map<string, ListeningSocket>()
    const spare = new Set<ListeningSocket>()
    for (const found of opened.values()) if (!(found instanceof Error)) spare.add(found)
    for (const listener of before.values()) {
      const socket = listener.release()
      if (socket) sockets.set(socketKey(socket.address), socket)
      if (socket) spare.add(socket)
    }
    this.#listeners = new Map()
    for (const wanted of configuration.listeners) {
      const key = socketKey(wanted)
      const found = sockets.get(key) ?? opened.get(key) ?? new Error('no socket')
      if (!(found instanceof Error)) spare.delete(found)
      const route = this.#route(wanted)
      const listener = before.get(wanted.name) ?? new Listener(wanted, route, this.#context, this.#places(wanted.name))
      this.#listeners.set(wanted.name, listener)
      before.delete(wanted.name)
      listener.become(wanted, route, found)
    }
    const closing = [...spare].map((socket) => socket.close())
    for (const listener of before.values()) {
      listener.removed()
      this.#retire(listener, configuration.timeouts.drainMs)
    }
    await Promise.all(closing)
  }

  /** Lets the clients of a closed listener finish for a while. */
  #retire(listener: Listener, drainMs: number): void {
    if (listener.clients.size === 0) return
    this.#leaving.add(listener)
    // It stays among those that leave until the last of its clients is gone: their bytes are counted until then.
    setTimeout(() => {
      for (const connection of listener.clients) connection.close('ListenerRemoved')
    }, drainMs).unref()
  }

  /** A listener that comes back while clients of its name are still leaving goes on counting them. */
  #places(name: string): Places {
    for (const listener of this.#leaving) if (listener.name === name) return listener.places
    return emptyPlaces()
  }

  #route(listener: ListenerConfiguration): Route {
    const hosts: HostEntry[] = []
    for (const [host, entry] of this.#entries) if (host.listeners.includes(listener.name)) hosts.push(entry)
    const proxy = proxySettings(listener.proxyProtocol)
    return { tls: listener.tls, proxy, table: new HostTable(hosts) }
  }
}
