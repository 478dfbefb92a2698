import type net from 'node:net'
import type { HandlerType, IcsHostStatus, SocketServer, SocketServerSpec, UnresolvedRef } from '../crds/index.ts'
import type { SteadyClock } from './base/clock.ts'
import { SocketServerError } from './base/errors.ts'
import type { Log } from './base/log.ts'
import type { GivenMaterial } from './certificates/given-material.ts'
import type { SharedAuthority } from './certificates/self-signed.ts'
import { CertificateStore } from './certificates/store.ts'
import { backendMaterial } from './compose/backend-material.ts'
import { HandlerShelf } from './compose/handler-shelf.ts'
import { HostConfigurations, hostStatuses } from './compose/host-configurations.ts'
import { hostReports } from './compose/host-reports.ts'
import { engineTimeouts, gateSettings } from './compose/limits.ts'
import { caRefsOf, credentialNamesOf, requirementsOf } from './compose/material.ts'
import { type PlannedHost, plannedHosts } from './compose/planned-hosts.ts'
import { roomOf } from './compose/room.ts'
import { descriptorLimit } from './control/descriptor-limit.ts'
import type { HostReport } from './control/host-report.ts'
import type { BackendState, ServerView } from './control/server-view.ts'
import type { EngineConfiguration } from './engine/configuration.ts'
import { Engine, type EngineSharing } from './engine/engine.ts'
import type { ClientState, EngineObserver, Handler, ListenState, LiveTraffic } from './engine/ports.ts'
import { ListenError, type Reservation } from './engine/reservation.ts'
import { createHandler } from './handlers/create-handler.ts'
import type { ForwardHandler } from './handlers/forward.ts'

/** What a server is made of. */
export interface ServerOptions {
  /** A parsed manifest, with its defaults. */
  readonly manifest: SocketServer
  /** Directory with one directory per Secret; undefined when all are given in memory. */
  readonly secretsDir: string | undefined
  /** Directory with one directory per ConfigMap; undefined when all are given in memory. */
  readonly configMapsDir: string | undefined
  /** Secrets and ConfigMaps in memory, looked for before the directories. */
  readonly given?: GivenMaterial
  /** A handler that is not of the manifest, for the host of that tag; undefined: the manifest's. */
  readonly handlerOf?: (hostTag: string, type: HandlerType) => Handler | undefined
  /** Development only: hosts whose Secret is missing get a throwaway certificate, of this authority if one is given. */
  readonly selfSigned: boolean | SharedAuthority
  readonly log: Log
  readonly clock: SteadyClock
  readonly observer: EngineObserver
  /** What is shared with other processes that serve the same manifest; undefined in one that serves alone. */
  readonly sharing?: EngineSharing | undefined
  /** Where certificates are told of; `log` when not given. */
  readonly certificateLog?: Log | undefined
}

/** A SocketServer manifest in service. */
export interface Server extends ServerView {
  /**
   * Loads the certificates and starts listening; again after `close`, unless `abort` ended everything.
   * @throws {SocketServerError} `SS_CANNOT_LISTEN` under `AllOrNothing` when a listener cannot listen.
   */
  start(): Promise<void>
  /**
   * Moves to another manifest as a difference: no client of what stays the same notices.
   * @throws {SocketServerError} `SS_CANNOT_LISTEN` under `AllOrNothing`; the manifest before it goes on.
   */
  apply(manifest: SocketServer): Promise<void>
  /** Path of the throwaway CA certificate; undefined when none was made. */
  readonly selfSignedCa: string | undefined
  /** Every client from accept until its socket is gone. The cost grows with their number: not for every connection. */
  clients(): readonly ClientState[]
  /** Closes a client with the reason `Disconnected`; false when there is none with that id, or it is closing already. */
  disconnect(clientId: string): boolean
  /** Closes clients as `disconnect` does, all in one go; returns the ids of those that it closed. */
  disconnectAll(clientIds: readonly string[]): readonly string[]
  /** The hosts with their certificates and the chains that are sent. */
  certificates(): readonly HostReport[]
  /** Makes session tickets with the first secret from here on, and takes those of all of them. */
  useTicketSecrets(secrets: readonly Buffer[]): void
  /** The underlying server of a listener while it listens. */
  netServer(listener: string): net.Server | undefined
  /** Loads and judges the certificates of the manifest before `start`; afterwards they are in service anyway. */
  loadCertificates(): Promise<void>
  /** Looks at the certificates of one host again (`LoadOneCert`); resolves when what was found is in service. */
  reload(hostTag: string): Promise<void>
  /** Looks at every certificate again (`RecheckSslCerts`); resolves when what was found is in service. */
  recheck(): Promise<void>
  /** Stops listening; clients go on. */
  close(): Promise<void>
  /** Stops listening, waits at most `milliseconds` for the clients, then closes the rest. */
  drain(milliseconds: number): Promise<void>
  /** Stops listening and closes every client at once. */
  abort(): void
}

/** Joins the engine, the certificates and the handlers into a server of one manifest. */
export function createServer(options: ServerOptions): Server {
  return new ComposedServer(options)
}

/** How often a draining server looks whether its clients are gone. */
const DRAIN_POLL_MS = 50
/** How long a client that waits for nothing is left alone while the server drains: its next request may be on its way. */
const DRAIN_QUIET_MS = 1_000

class ComposedServer implements Server {
  readonly #options: ServerOptions
  #manifest: SocketServer
  #hosts: readonly PlannedHost[]
  readonly #store: CertificateStore
  readonly #handlers: HandlerShelf
  readonly #configurations: HostConfigurations
  readonly #engine: Engine
  #isStarted = false
  #isClosed = false
  readonly #room = roomOf(descriptorLimit())
  /** The change being applied; the next one waits for it. */
  #applying: Promise<void> = Promise.resolve()

  constructor(options: ServerOptions) {
    const { manifest, log, clock, observer } = options
    this.#options = options
    this.#manifest = manifest
    this.#hosts = plannedHosts(manifest.spec)
    this.#store = new CertificateStore({
      secretsDir: options.secretsDir,
      configMapsDir: options.configMapsDir,
      certExpireDays: manifest.spec.certExpireDays,
      recheckSeconds: manifest.spec.recheckSeconds,
      given: options.given,
      selfSigned: options.selfSigned,
      log: options.certificateLog ?? log,
      clock,
    })
    this.#store.onChange(() => {
      // Before the start everything is applied by it.
      if (!this.#isStarted) return
      this.#enqueue(() => this.#engine.apply(this.#configuration())).catch((error: unknown) =>
        log('error', 'cannot apply changed certificates', { error: String(error) }),
      )
    })
    this.#handlers = new HandlerShelf((host) => this.#handler(host))
    this.#configurations = new HostConfigurations(this.#store, this.#handlers)
    this.#engine = new Engine({ clock, log, observer, sharing: options.sharing })
  }

  get clientCount(): number {
    return this.#engine.clientCount
  }

  get selfSignedCa(): string | undefined {
    return this.#store.selfSignedCa
  }

  async start(): Promise<void> {
    this.#isStarted = true
    this.#isClosed = false
    await this.#enqueue(() => this.#serve(this.#manifest))
  }

  apply(manifest: SocketServer): Promise<void> {
    return this.#enqueue(() => this.#serve(manifest))
  }

  listenStates(): readonly ListenState[] {
    return this.#engine.listenStates()
  }

  hosts(): readonly IcsHostStatus[] {
    return hostStatuses(this.#hosts, this.#store)
  }

  unresolved(): readonly UnresolvedRef[] {
    return this.#store.unresolved()
  }

  backends(): readonly BackendState[] {
    const states: BackendState[] = []
    for (const [hostTag, handler] of this.#handlers.entries())
      if ('backends' in handler)
        for (const { name, healthy, clients } of (handler as ForwardHandler).backends())
          states.push({ hostTag, name, healthy, clients })
    return states
  }

  clients(): readonly ClientState[] {
    return this.#engine.clients()
  }

  disconnect(clientId: string): boolean {
    return this.disconnectAll([clientId]).length > 0
  }

  disconnectAll(clientIds: readonly string[]): readonly string[] {
    return this.#engine.disconnect(new Set(clientIds), 'Disconnected')
  }

  liveTraffic(): readonly LiveTraffic[] {
    return this.#engine.liveTraffic()
  }

  certificates(): readonly HostReport[] {
    return hostReports(this.#hosts, this.#store)
  }

  useTicketSecrets(secrets: readonly Buffer[]): void {
    this.#engine.useTicketSecrets(secrets)
  }

  netServer(listener: string): net.Server | undefined {
    return this.#engine.netServer(listener)
  }

  async loadCertificates(): Promise<void> {
    if (!this.#isStarted) await this.#setHosts(this.#hosts)
  }

  async reload(hostTag: string): Promise<void> {
    await this.#store.reload(hostTag)
    await this.#applying
  }

  async recheck(): Promise<void> {
    await this.#store.recheck()
    await this.#applying
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#engine.close()
  }

  async drain(milliseconds: number): Promise<void> {
    await this.close()
    const { clock } = this.#options
    const end = clock.elapsed() + milliseconds
    for (let left = milliseconds; this.clientCount > 0 && left > 0; left = end - clock.elapsed()) {
      // Who asks without a pause is let go between two requests in the end, rather than be cut in one.
      this.#engine.closeBetweenRequests(Math.min(DRAIN_QUIET_MS, left / 4))
      await new Promise((resolve) => setTimeout(resolve, Math.min(DRAIN_POLL_MS, left)))
    }
    this.abort()
  }

  abort(): void {
    this.#isClosed = true
    void this.#engine.close()
    this.#engine.dropClients('ServerStopped')
    this.#handlers.keep([])
    this.#store.close()
  }

  #configuration(): EngineConfiguration {
    const { spec } = this.#manifest
    const { bindPolicy, listeners } = spec
    const hosts = this.#configurations.of(this.#hosts)
    return {
      bindPolicy,
      listeners,
      hosts,
      gate: gateSettings(spec, this.#room),
      timeouts: engineTimeouts(spec.timeouts),
    }
  }

  /** One change at a time, in order; a failed one does not hold up the next, and none comes after the end. */
  #enqueue(change: () => Promise<void>): Promise<void> {
    const done = this.#applying.then(() => (this.#isClosed ? undefined : change()))
    this.#applying = done.catch(() => {})
    return done
  }

  /**
   * Moves to a manifest as a difference. What can fail, to listen, is done before anything else: a certificate that is
   * only kept because the one on disk is bad would be lost by going forth and back.
   */
  async #serve(manifest: SocketServer): Promise<void> {
    const hosts = plannedHosts(manifest.spec)
    const reservation = await this.#reserve(manifest.spec)
    this.#tellRoom(manifest.spec)
    try {
      this.#store.judgeBy(manifest.spec)
      await this.#setHosts(hosts)
      this.#manifest = manifest
      this.#hosts = hosts
    } catch (error) {
      await reservation.cancel()
      throw error
    }
    await this.#engine.apply(this.#configuration(), reservation)
    this.#handlers.keep(hosts)
  }

  #setHosts(hosts: readonly PlannedHost[]): Promise<void> {
    const further = { cas: caRefsOf(hosts), credentials: credentialNamesOf(hosts) }
    return this.#store.setHosts(requirementsOf(hosts), further)
  }

  async #reserve(spec: SocketServer['spec']): Promise<Reservation> {
    try {
      return await this.#engine.reserve(spec)
    } catch (error) {
      if (!(error instanceof ListenError)) throw error
      throw new SocketServerError('SS_CANNOT_LISTEN', error.message, {
        hint: 'bindPolicy AllOrNothing opens every listener or none; BestEffort serves the others meanwhile',
        cause: error,
      })
    }
  }

  /** A limit of the system below that of the manifest is no problem of the manifest, and yet to be known. */
  #tellRoom({ maxClients }: SocketServerSpec): void {
    const { clients, descriptors } = this.#room
    if (clients === undefined || descriptors === undefined || maxClients <= clients) return
    this.#options.log('warn', 'fewer clients than maxClients are taken: the open files of the process are limited', {
      ...{ maxClients, taken: clients, openFiles: descriptors },
      hint: 'raise the limit of open files (ulimit -n) to twice maxClients and 500 more, or lower maxClients',
    })
  }

  #handler(host: PlannedHost): Handler {
    const { log, clock, handlerOf } = this.#options
    const given = handlerOf?.(host.hostTag, host.handler.type)
    if (given) return given
    const tls = host.handler.forward?.tls
    return createHandler(host.handler, {
      namespace: this.#manifest.metadata.namespace,
      connectMs: host.connectMs,
      log,
      clock,
      ...(tls ? { material: backendMaterial(tls, this.#store) } : {}),
    })
  }
}
