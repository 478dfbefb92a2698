import { captureRejectionSymbol, EventEmitter } from 'node:events'
import type net from 'node:net'
import {
  type HandlerType,
  type IcsHostStatus,
  type Problem,
  parseSocketServer,
  type SocketServer as SocketServerManifest,
} from '../../crds/index.ts'
import { systemClock } from '../base/clock.ts'
import { SocketServerError } from '../base/errors.ts'
import { type Log, silentLog } from '../base/log.ts'
import { GivenMaterial } from '../certificates/given-material.ts'
import { createServer, type Server } from '../compose.ts'
import type { BackendState } from '../control/server-view.ts'
import type { ClientRecord, ClientState, SocketClient as EngineClient, Handler, ListenState } from '../engine/ports.ts'
import { createEcho } from '../handlers/echo.ts'
import {
  type CertificateInMemory,
  type ClientHandler,
  type ReadInput,
  readInput,
  type SocketServerInput,
} from './input.ts'
import { ManifestError } from './manifest-error.ts'
import { SocketClient } from './socket-client.ts'
import type { SocketServerEvents, SocketServerOptions, Validation } from './socket-server-options.ts'

/** What reading from and writing to a client that is gone fails with. */
const ENDS_OF_STREAM: ReadonlySet<string> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ABORT_ERR'])

/** How often a server that ended looks whether its clients are gone, in milliseconds. */
const GONE_POLL_MS = 5

/**
 * A server of one manifest in this process: the engine of the command, with functions for handlers.
 *
 * ```ts
 * await using server = new SocketServer(
 *   { listeners: [{ name: 'echo', address: '127.0.0.1', port: 7000, tls: false }] },
 *   { handler: (client) => void client.pipe(client) },
 * )
 * await server.listen()
 * ```
 */
export class SocketServer extends EventEmitter<SocketServerEvents> implements AsyncDisposable {
  readonly #options: SocketServerOptions
  readonly #log: Log
  readonly #material = new GivenMaterial()
  readonly #server: Server
  readonly #clients = new Map<string, SocketClient>()
  readonly #echo = createEcho()
  readonly #byFunction: Handler = { serve: (client) => this.#serve(client) }
  #manifest: SocketServerManifest
  #warnings: readonly Problem[]
  #functions: ReadInput['functions']
  #isEnded = false

  /**
   * @param input What is served: a `spec`, a whole manifest, or its YAML or JSON text.
   * @throws {ManifestError} With every problem of the manifest.
   */
  constructor(input: SocketServerInput, options: SocketServerOptions = {}) {
    super({ captureRejections: true })
    this.#options = options
    this.#log = options.log ?? silentLog
    const { read, manifest, warnings } = judged(input)
    this.#manifest = manifest
    this.#warnings = warnings
    this.#functions = read.functions
    for (const [name, secret] of Object.entries(options.secrets ?? {})) this.#giveSecret(name, secret)
    for (const [name, entries] of Object.entries(options.configMaps ?? {}))
      this.#material.give('ConfigMap', name, entries)
    for (const [name, secret] of read.certificates) this.#giveSecret(name, secret)
    this.#server = createServer({
      manifest,
      secretsDir: options.secretsDir,
      configMapsDir: options.configMapsDir,
      given: this.#material,
      handlerOf: (hostTag, type) => this.#handlerOf(hostTag, type),
      selfSigned: options.selfSigned ?? false,
      log: this.#log,
      clock: systemClock,
      observer: {
        clientOpened: (_listener, client) => this.#tell('clientAccepted', client),
        handshakeDone: () => {},
        clientClosed: (record) => this.#closed(record),
        listenerChanged: (state) => this.#tell('stateChanged', state),
      },
    })
  }

  /** The manifest in service, with every default applied. */
  get manifest(): SocketServerManifest {
    return this.#manifest
  }

  /** What is probably not meant in the manifest. */
  get warnings(): readonly Problem[] {
    return this.#warnings
  }

  /** `Listening` while at least one listener does. */
  get state(): 'Listening' | 'Closed' {
    return this.states().some((one) => one.state === 'Listening') ? 'Listening' : 'Closed'
  }

  /** The clients that functions serve, oldest first. */
  get clients(): readonly SocketClient[] {
    return [...this.#clients.values()]
  }

  /** Clients of all listeners from accept to close, whoever serves them. */
  get clientCount(): number {
    return this.#server.clientCount
  }

  /** Path of the certificate of the throwaway CA; undefined when none was made. */
  get selfSignedCa(): string | undefined {
    return this.#server.selfSignedCa
  }

  /** Whether the client is one of `clients` (IsClient). */
  has(client: SocketClient): boolean {
    return this.#clients.get(client.clientId) === client
  }

  /** Facts of every client from accept to close, whoever serves it. The cost grows with their number. */
  clientStates(): readonly ClientState[] {
    return this.#server.clients()
  }

  /** Whether each listener listens, in the order of the manifest (ListenStates). Empty before the first `listen`. */
  states(): readonly ListenState[] {
    return this.#server.listenStates()
  }

  /** Whether every listener listens (ListenAllOK). */
  listenAllOk(): boolean {
    const states = this.states()
    return states.length > 0 && states.every((one) => one.state === 'Listening')
  }

  /** The `net.Server` of a listener while it listens, for its address and handle. Do not close it. */
  netServer(listener: string): net.Server | undefined {
    return this.#server.netServer(listener)
  }

  /** The hosts with their grades, messages and certificates. */
  hosts(): readonly IcsHostStatus[] {
    return this.#server.hosts()
  }

  /** The backends of every handler that has some. */
  backends(): readonly BackendState[] {
    return this.#server.backends()
  }

  /**
   * Loads the certificates and listens; again after `close`. With `bindPolicy` BestEffort it resolves also when some
   * listeners do not listen: they are tried again, and `states` tells why.
   * @throws {SocketServerError} `SS_CANNOT_LISTEN` under AllOrNothing; `SS_USAGE` after `abort` or `drain`, and when
   *   there is nobody to serve the clients of a host.
   */
  async listen(): Promise<void> {
    if (this.#isEnded)
      throw new SocketServerError('SS_USAGE', 'the server has ended', { hint: 'make a new SocketServer' })
    const orphan = [...this.#functions].find(([tag]) => this.#functionOf(tag) === undefined)
    if (orphan && this.listenerCount('client') === 0)
      throw new SocketServerError('SS_USAGE', `nobody serves the clients of "${orphan[0]}"`, {
        hint: 'give it a handler, give the server a handler, or listen to its event "client"',
      })
    await this.#server.start()
  }

  /**
   * Moves to another manifest as a difference: no client of what stays the same notices. Functions are taken from it
   * as well.
   * @throws {ManifestError} With every problem; the manifest before it goes on.
   * @throws {SocketServerError} `SS_CANNOT_LISTEN` under AllOrNothing; the manifest before it goes on.
   */
  async apply(input: SocketServerInput): Promise<void> {
    const { read, manifest, warnings } = judged(input)
    const before = this.#functions
    // New hosts must find their functions as soon as they are in service, and old ones until then.
    this.#functions = new Map([...before, ...read.functions])
    for (const [name, secret] of read.certificates) this.#giveSecret(name, secret)
    try {
      await this.#server.apply(manifest)
    } catch (error) {
      this.#functions = before
      throw error
    }
    this.#functions = read.functions
    this.#manifest = manifest
    this.#warnings = warnings
  }

  /** Loads and grades every certificate, also before `listen` (ValidateHosts). */
  async validate(): Promise<Validation> {
    await this.#server.loadCertificates()
    const hosts = this.hosts()
    const ok = hosts.every(({ grade, messages }) => grade !== 'Fail' && !(grade === 'None' && messages.length > 0))
    return { ok, warnings: this.#warnings, hosts }
  }

  /** Looks at every certificate again (RecheckSslCerts); resolves with the hosts when what was found is in service. */
  async recheck(): Promise<readonly IcsHostStatus[]> {
    await this.#server.recheck()
    return this.hosts()
  }

  /**
   * Looks at the certificates of one host again (LoadOneCert); resolves with the host when what was found is in service.
   * @throws {SocketServerError} `SS_USAGE` when there is no such host.
   */
  async loadCertificate(hostTag: string): Promise<IcsHostStatus> {
    await this.#server.reload(hostTag)
    const host = this.hosts().find((one) => one.hostTag === hostTag)
    if (host) return host
    throw new SocketServerError('SS_USAGE', `there is no host "${hostTag}"`, {
      hint: `there are ${this.hosts()
        .map((one) => one.hostTag)
        .join(', ')}`,
    })
  }

  /**
   * Replaces a Secret in memory, or gives a new one; resolves when it is in service or refused. What is bad leaves the
   * last good certificate in service: `hosts` tells.
   */
  async setSecret(name: string, secret: CertificateInMemory): Promise<void> {
    this.#giveSecret(name, secret)
    await this.#server.recheck()
  }

  /** Closes a client, whoever serves it, with the reason `Disconnected`; false when there is none with that id. */
  disconnect(clientId: string): boolean {
    return this.#server.disconnect(clientId)
  }

  /** Stops listening and leaves the clients alone. Resolves when the ports are free. */
  async close(): Promise<void> {
    await this.#server.close()
  }

  /**
   * Stops listening, lets the clients finish, and closes those that are left at the deadline. The end of the server.
   * @param deadlineMs Milliseconds; by default `timeouts.drainSeconds` of the manifest.
   */
  async drain(deadlineMs: number = this.#manifest.spec.timeouts.drainSeconds * 1000): Promise<void> {
    this.#isEnded = true
    await this.#server.drain(deadlineMs)
    await this.#everybodyGone()
  }

  /** Stops listening and drops every client at once. The end of the server. Resolves when all are gone. */
  async abort(): Promise<void> {
    this.#isEnded = true
    this.#server.abort()
    await this.#everybodyGone()
  }

  /** The same as `abort`: `await using server = new SocketServer(...)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort()
  }

  /** @internal What a listener of an event rejected with. */
  override [captureRejectionSymbol](error: unknown, event: string | symbol, ...args: unknown[]): void {
    const client = event === 'client' && args[0] instanceof SocketClient ? args[0] : undefined
    this.#failed(error, client)
  }

  /** Dropped sockets are gone a turn or two of the event loop later. */
  async #everybodyGone(): Promise<void> {
    while (this.clientCount > 0) await new Promise((resolve) => setTimeout(resolve, GONE_POLL_MS))
  }

  #giveSecret(name: string, { cert, key, ca }: CertificateInMemory): void {
    const files = { 'tls.crt': cert, 'tls.key': key, ...(ca === undefined ? {} : { 'ca.crt': ca }) }
    this.#material.give('Secret', name, files)
  }

  /** The function for a host; undefined when the event `client` is all there is. */
  #functionOf(hostTag: string): ClientHandler | undefined {
    return this.#options.handlers?.[hostTag] ?? this.#functions.get(hostTag) ?? this.#options.handler
  }

  /** One handler for all functions, and for Echo, which stands in for them: a host may change from one to the other. */
  #handlerOf(hostTag: string, type: HandlerType): Handler | undefined {
    return this.#isNamed(hostTag) || type === 'Echo' ? this.#byFunction : undefined
  }

  #isNamed(hostTag: string): boolean {
    return Object.hasOwn(this.#options.handlers ?? {}, hostTag)
  }

  async #serve(engineClient: EngineClient): Promise<void> {
    const { hostTag } = engineClient
    if (!this.#isNamed(hostTag) && !this.#functions.has(hostTag)) return this.#echo.serve(engineClient)
    const { listeners, icsHosts } = this.#manifest.spec
    const client: SocketClient = new SocketClient(engineClient, {
      server: this,
      host: icsHosts.find((host) => host.hostTag === hostTag),
      listenerIndex: listeners.findIndex((listener) => listener.name === engineClient.listener),
      allowHalfOpen: this.#options.allowHalfOpen ?? false,
      defect: (error) => this.#defect(error, client),
    })
    this.#clients.set(client.clientId, client)
    this.#tell('client', client)
    try {
      if (!client.destroyed) await this.#functionOf(hostTag)?.(client)
    } catch (error) {
      // A client that leaves ends `for await` with an error: that is no defect of the handler.
      if (client.destroyed && ENDS_OF_STREAM.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')) return
      this.#failed(error, client)
    }
  }

  #closed(record: ClientRecord): void {
    const client = this.#clients.get(record.clientId)
    this.#clients.delete(record.clientId)
    this.#tell('clientClosed', record, client)
  }

  /** Emits an event; a listener that throws harms nobody. */
  #tell<Name extends Exclude<keyof SocketServerEvents, 'error'>>(name: Name, ...args: SocketServerEvents[Name]): void {
    try {
      ;(this as EventEmitter).emit(name, ...args)
    } catch (error) {
      this.#failed(error, args[0] instanceof SocketClient ? args[0] : undefined)
    }
  }

  /** What threw concerns that client, which pays for it. */
  #failed(thrown: unknown, client: SocketClient | undefined): void {
    if (client) client.fail(thrown)
    else this.#defect(thrown, undefined)
  }

  #defect(thrown: unknown, client: SocketClient | undefined): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    this.#log('error', 'defect', { error: error.stack ?? error.message, clientId: client?.clientId })
    if (this.listenerCount('error') > 0) this.emit('error', error, client)
  }
}

/** What the contract says of an input. */
function judged(input: SocketServerInput): {
  readonly read: ReadInput
  readonly manifest: SocketServerManifest
  readonly warnings: readonly Problem[]
} {
  const read = readInput(input)
  const result = parseSocketServer(read.manifest)
  if (!result.ok) throw new ManifestError(result.problems)
  return { read, manifest: result.value, warnings: result.warnings }
}
