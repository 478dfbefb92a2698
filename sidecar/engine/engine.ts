import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { CloseReason } from './close-reason.ts'
import type { EngineConfiguration, EngineTimeouts, HostConfiguration, ListenerConfiguration } from './configuration.ts'
import type { Connection } from './connection.ts'
import { Gate, type GateSettings } from './gate.ts'
import { type HostEntry, hostEntry } from './host-entry.ts'
import { Listener, type ListenerContext } from './listener.ts'
import type { Route } from './pipeline.ts'
import type { ClientState, EngineObserver, ListenState, LiveTraffic } from './ports.ts'
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
}

/** What an engine is made of. */
export interface EngineOptions {
  readonly clock: Clock
  readonly log: Log
  readonly observer: EngineObserver
}

/** A listener could not listen. */
export class ListenError extends Error {
  readonly states: readonly ListenState[]

  constructor(states: readonly ListenState[]) {
    super(states.map((state) => `listener "${state.name}": ${state.error}`).join('; '))
    this.name = 'ListenError'
    this.states = states
  }
}

/**
 * The listener engine: serves one configuration and moves to another as a difference. Listeners that stay keep
 * listening, hosts whose configuration object is the same keep their TLS state, and no client in service is touched
 * by a change of anything else.
 */
export class Engine {
  readonly #context: ListenerContext
  readonly #listeners = new Map<string, Listener>()
  /** Listeners that are closed and still have clients. */
  readonly #leaving = new Set<Listener>()
  /** Prepared hosts by configuration object: a host that did not change is not prepared again. */
  #entries = new Map<HostConfiguration, HostEntry>()
  readonly #ticketSecret = randomBytes(32)
  #clientsSoFar = 0
  #ages: NodeJS.Timeout | undefined = undefined

  constructor(options: EngineOptions) {
    this.#context = {
      ...options,
      gate: new Gate(OPEN),
      timeouts: { handshakeMs: 0, idleMs: 0, lifetimeMs: 0, drainMs: 0 },
      nextClientId: () => `c-${(++this.#clientsSoFar).toString(36)}`,
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

  /** Every client from accept until its socket is gone, also of listeners that are closed; oldest first per listener. */
  clients(): readonly ClientState[] {
    const now = this.#context.clock.now()
    const states: ClientState[] = []
    for (const connection of this.#connections()) states.push(connection.state(now))
    return states
  }

  /**
   * Closes the client with that id, with `reason`; false when there is none, or its end is decided already. It is
   * looked for among all: an index would cost every client something, for what is asked now and then.
   */
  disconnect(clientId: string, reason: CloseReason): boolean {
    for (const connection of this.#connections()) {
      if (connection.clientId !== clientId) continue
      if (connection.closed) return false
      connection.close(reason)
      return true
    }
    return false
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
   * Serves `configuration` from here on.
   * @throws {ListenError} Under `AllOrNothing` when a listener cannot listen; those opened for it are closed again.
   */
  async apply(configuration: EngineConfiguration): Promise<void> {
    this.#context.gate.replace(configuration.gate)
    this.#context.timeouts = configuration.timeouts
    this.#watchAges(configuration.timeouts)
    const entries = new Map<HostConfiguration, HostEntry>()
    for (const host of configuration.hosts)
      entries.set(host, this.#entries.get(host) ?? hostEntry(host, this.#ticketSecret))
    this.#entries = entries

    await this.#removeListeners(configuration)
    const opened: Listener[] = []
    for (const wanted of configuration.listeners) {
      const route = this.#route(wanted)
      const standing = this.#listeners.get(wanted.name)
      if (standing) {
        standing.route = route
        standing.places.maxClients = wanted.maxClients
        continue
      }
      const listener = new Listener(wanted, route, this.#context)
      this.#listeners.set(wanted.name, listener)
      opened.push(listener)
    }
    await this.#open(opened, configuration.bindPolicy)
  }

  /** Nobody enters from here on; who is inside goes on. */
  refuseNewClients(): void {
    this.#context.gate.draining = true
  }

  /** Stops listening; clients go on. */
  async close(): Promise<void> {
    if (this.clientCount === 0) clearInterval(this.#ages)
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()))
  }

  /** Closes every client with `reason`. */
  dropClients(reason: CloseReason): void {
    for (const connection of this.#connections()) connection.close(reason)
  }

  /** One timer looks at all clients: none per client, and nothing per chunk. */
  #watchAges({ idleMs, lifetimeMs }: EngineTimeouts): void {
    clearInterval(this.#ages)
    const shortest = Math.min(idleMs || Number.POSITIVE_INFINITY, lifetimeMs || Number.POSITIVE_INFINITY)
    const every = Math.min(Math.max(shortest / 8, AGE_CHECK_MS.least), AGE_CHECK_MS.most)
    this.#ages = setInterval(() => {
      const now = this.#context.clock.now()
      this.#context.gate.sweep(now)
      for (const connection of this.#connections()) connection.checkAge(now, idleMs, lifetimeMs)
      for (const listener of this.#leaving) if (listener.clients.size === 0) this.#leaving.delete(listener)
    }, every)
    this.#ages.unref()
  }

  *#connections(): Iterable<Connection> {
    for (const listener of [...this.#listeners.values(), ...this.#leaving]) yield* [...listener.clients]
  }

  async #removeListeners(configuration: EngineConfiguration): Promise<void> {
    for (const [name, listener] of this.#listeners) {
      const wanted = configuration.listeners.find((candidate) => candidate.name === name)
      if (wanted && isSameSocket(wanted, listener.configuration)) continue
      this.#listeners.delete(name)
      await listener.close()
      this.#retire(listener, configuration.timeouts.drainMs)
    }
  }

  /** Lets the clients of a closed listener finish for a while. */
  #retire(listener: Listener, drainMs: number): void {
    if (listener.clients.size === 0) return
    this.#leaving.add(listener)
    // It stays among those that leave until the last of its clients is gone: their bytes are counted until then.
    setTimeout(() => {
      for (const connection of [...listener.clients]) connection.close('ListenerRemoved')
    }, drainMs).unref()
  }

  async #open(listeners: readonly Listener[], bindPolicy: EngineConfiguration['bindPolicy']): Promise<void> {
    const results = await Promise.allSettled(listeners.map((listener) => listener.open()))
    const failed = listeners.filter((_, at) => results[at]?.status === 'rejected')
    if (failed.length === 0) return
    if (bindPolicy === 'BestEffort') {
      for (const listener of failed) listener.openLater()
      return
    }
    const error = new ListenError(failed.map((listener) => listener.state()))
    await Promise.all(listeners.map((listener) => listener.close()))
    throw error
  }

  #route(listener: ListenerConfiguration): Route {
    const hosts: HostEntry[] = []
    for (const [host, entry] of this.#entries) if (host.listeners.includes(listener.name)) hosts.push(entry)
    const proxy = proxySettings(listener.proxyProtocol)
    return { tls: listener.tls, proxy, table: new HostTable(hosts) }
  }
}

/** Whether both are served by one and the same socket; the rest of a listener is replaced in place. */
function isSameSocket(one: ListenerConfiguration, other: ListenerConfiguration): boolean {
  const socketOf = ({ address, port, socketFamily, listenBacklog, tls }: ListenerConfiguration) => [
    address,
    port,
    socketFamily,
    listenBacklog,
    tls,
  ]
  return isDeepStrictEqual(socketOf(one), socketOf(other))
}
