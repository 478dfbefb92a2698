import { Duplex } from 'node:stream'
import type { IcsHost } from '../../crds/index.ts'
import type { SocketClient as EngineClient, TlsFacts } from '../engine/ports.ts'
import type { SocketServer } from './socket-server.ts'

/** What a client is made of beside its connection. */
interface Belongings {
  readonly server: SocketServer
  readonly host: IcsHost | undefined
  readonly listenerIndex: number
  readonly allowHalfOpen: boolean
  /** Told of what a listener of this client throws, or rejects with. */
  readonly defect: (error: unknown, client: SocketClient) => void
}

/**
 * One client that a handler function serves: a stream of its bytes (plain text, on TLS listeners as well) that knows who
 * it is. Use it as any other Duplex: `for await`, `pipe`, `pipeline`, `write`, `end`, `destroy`.
 *
 * A client that goes away ends the stream with `close` and without `error`. What a listener of the client throws closes
 * this client alone, with the reason `HandlerFailed`, and is told by the server's event `error`.
 */
export class SocketClient extends Duplex {
  /** The server that accepted the client. */
  readonly server: SocketServer
  /** The host that serves it; undefined when its listener has a handler of its own. */
  readonly host: IcsHost | undefined
  /** Place of its listener in the list of listeners, from 0. */
  readonly listenerIndex: number
  readonly #client: EngineClient
  readonly #defect: Belongings['defect']
  #hasEnded = false
  /** Called once the connection takes bytes again. */
  #taken: (() => void) | undefined = undefined

  /** @internal Clients are made by the server. */
  constructor(client: EngineClient, belongings: Belongings) {
    super({ allowHalfOpen: belongings.allowHalfOpen, captureRejections: true } as ConstructorParameters<
      typeof Duplex
    >[0])
    this.server = belongings.server
    this.host = belongings.host
    this.listenerIndex = belongings.listenerIndex
    this.#client = client
    this.#defect = belongings.defect
    // Nobody has to listen: an error that somebody destroyed the client with, and nobody asks for, is a defect.
    this.on('error', (error) => {
      if (this.listenerCount('error') === 1) this.#defect(error, this)
    })
    const { stream } = client
    stream.on('data', (chunk: Buffer) => {
      client.receivedBytes += chunk.length
      if (!this.push(chunk)) stream.pause()
    })
    stream.on('end', () => {
      this.#hasEnded = true
      this.push(null)
    })
    stream.on('drain', () => this.#goOn())
    client.onClose = () => this.#gone()
  }

  /** Unique over the life of the server, for example `c-18f2`; the same in log and records. */
  get clientId(): string {
    return this.#client.clientId
  }

  /** Address of the client: from a believed PROXY protocol header, else from the socket. */
  get peerAddress(): string {
    return this.#client.peerAddress
  }

  /** Port of the client. */
  get peerPort(): number {
    return this.#client.peerPort
  }

  /** Address the client asked for: from a believed PROXY protocol header, else from the socket. */
  get localAddress(): string {
    return this.#client.localAddress
  }

  /** Port the client asked for. */
  get localPort(): number {
    return this.#client.localPort
  }

  /** Name of the listener. */
  get listener(): string {
    return this.#client.listener
  }

  /** Tag of the host that serves it; the listener's name when the listener has a handler of its own. */
  get hostTag(): string {
    return this.#client.hostTag
  }

  /** Lower-case server name the client asked for (RFC 6066, 3); undefined without one and on plain listeners. */
  get serverName(): string | undefined {
    return this.#client.serverName
  }

  /** The protocol negotiated by ALPN (RFC 7301). */
  get alpnProtocol(): string | undefined {
    return this.#client.alpnProtocol
  }

  /** What the handshake settled, with the verified client certificate; undefined on a plain listener. */
  get tls(): TlsFacts | undefined {
    return this.#client.tls
  }

  /** Bytes received from the client so far. */
  get receivedBytes(): number {
    return this.#client.receivedBytes
  }

  /** Bytes sent to the client so far. */
  get sentBytes(): number {
    return this.#client.sentBytes
  }

  /** Reads chunk by chunk. Unlike other streams the client stays open when the loop is left, so that it can be answered. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.iterator({ destroyOnReturn: false }) as NodeJS.AsyncIterator<Buffer>
  }

  /** Emits an event; what a listener throws closes this client and no other. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      return super.emit(event as string, ...args)
    } catch (error) {
      this.fail(error)
      return true
    }
  }

  /** @internal Closes this client for what was thrown over it. */
  fail(error: unknown): void {
    this.#defect(error, this)
    this.#client.close('HandlerFailed', error instanceof Error ? (error.stack ?? error.message) : String(error))
    this.destroy()
  }

  /** @internal */
  override _read(): void {
    this.#client.stream.resume()
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#client.sentBytes += chunk.length
    if (this.#client.stream.write(chunk)) done()
    else this.#taken = done
  }

  /** @internal */
  override _writev(chunks: { readonly chunk: Buffer }[], done: () => void): void {
    const { stream } = this.#client
    let hasRoom = true
    stream.cork()
    for (const { chunk } of chunks) {
      this.#client.sentBytes += chunk.length
      hasRoom = stream.write(chunk)
    }
    stream.uncork()
    if (hasRoom) done()
    else this.#taken = done
  }

  /** @internal */
  override _final(done: () => void): void {
    this.#client.stream.end(() => done())
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const client = this.#client
    if (error) client.close('HandlerFailed', error.stack ?? error.message)
    else if (this.readableEnded && this.writableFinished) client.close('Completed')
    else client.close('Disconnected', 'the handler destroyed the client')
    done(error)
  }

  /** The connection takes bytes again. */
  #goOn(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  /** The connection is closed, whoever closed it. What came before its orderly end may still be read. */
  #gone(): void {
    if (this.#hasEnded && this.writableFinished) return
    this.destroy()
  }
}
