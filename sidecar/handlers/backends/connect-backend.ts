import net from 'node:net'
import tls from 'node:tls'
import { ownedEvents } from '../../base/owned-events.ts'
import type { BackendConnection } from '../relay.ts'
import type { BackendAddress } from './backend.ts'
import { LentReader } from './lent-buffer.ts'

/** What is done with a connection before the client's bytes. */
export interface Opening {
  readonly address: BackendAddress
  /** Milliseconds for everything up to the end of the TLS handshake; more than 100. */
  readonly timeoutMs: number
  /** The PROXY protocol header; sent before TLS, because its reader needs it to know whom it talks to. */
  readonly header: Buffer | undefined
  /** Undefined for plain text. */
  readonly tls: tls.ConnectionOptions | undefined
  /** Whether what a plain backend sends may be handed over in a buffer that is overwritten by the next read. */
  readonly mayLend: boolean
}

/** How a connect ended. */
export type OpeningOutcome =
  | { readonly kind: 'open'; readonly connection: BackendConnection }
  | { readonly kind: 'timeout'; readonly detail: string }
  /** Refused, unreachable, no such name, or no TLS server. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** There is no descriptor or memory left to connect with: no fault of the backend. */
  | { readonly kind: 'exhausted'; readonly detail: string }
  /** The certificate fails verification. */
  | { readonly kind: 'untrusted'; readonly detail: string }

/** A connect under way. */
export interface Connecting {
  /** Gives up; the watcher is told nothing more but that it is `gone`. */
  cancel(): void
}

/** Who is told how a connect goes. */
export interface ConnectWatcher {
  /** Called at most once, when the backend has not accepted at once. */
  waiting(): void
  /** Called once, unless the connect is cancelled, and never before `connectBackend` returns. A connection is handed over paused. */
  settled(outcome: OpeningOutcome): void
  /** Called once, however the connect and the connection end. */
  gone(): void
  /** Called with what one of the others threw, or a defect here. */
  failed(error: unknown): void
}

/** Milliseconds after which a connect is a long one; a backend in the same network accepts within one or two. */
const WAITING_MS = 100

/** Connects to a backend. */
export function connectBackend(opening: Opening, watcher: ConnectWatcher): Connecting {
  return new Connect(opening, watcher)
}

class Connect implements Connecting {
  /** Undefined once it is settled: many connections are kept for long, and nothing of it is needed any more. */
  #opening: Opening | undefined
  readonly #watcher: ConnectWatcher
  readonly #lent: LentReader | undefined
  readonly #transport: net.Socket
  #socket: net.Socket
  /** One timer for both, since nearly every connect ends before either. */
  #timer: NodeJS.Timeout | undefined

  constructor(opening: Opening, watcher: ConnectWatcher) {
    const { address, tls: security, mayLend } = opening
    this.#opening = opening
    this.#watcher = watcher
    this.#lent = mayLend && !security ? new LentReader() : undefined
    this.#transport = net.connect(optionsOf(address, this.#lent))
    this.#socket = this.#transport
    this.#timer = setTimeout(waited, WAITING_MS, this)
    listenToTransport(this.#transport, this)
  }

  cancel(): void {
    this.#end()
  }

  connected(): void {
    if (this.#opening === undefined) return
    const { header, tls: security } = this.#opening
    const transport = this.#transport
    if (header) transport.write(header)
    if (!security) {
      this.opened()
      return
    }
    // TLS takes over the handle.
    const secured = tls.connect({ ...security, socket: transport, allowHalfOpen: true } as tls.ConnectionOptions)
    this.#socket = secured
    listenToTls(secured, this)
  }

  opened(): void {
    const connection = { socket: this.#socket, transport: this.#transport, lent: this.#lent }
    this.#end({ kind: 'open', connection })
  }

  transportBroken(error: NodeJS.ErrnoException): void {
    // What befalls the socket below TLS is told by the one above.
    if (this.#socket === this.#transport) this.broken(error)
  }

  /** An error that comes late has no one to tell. */
  broken(error: NodeJS.ErrnoException): void {
    this.#end({ kind: kindOf(error, this.#socket), detail: textOf(error) })
  }

  closed(): void {
    try {
      this.#end({ kind: 'refused', detail: 'closed before it was ready' })
    } finally {
      this.#watcher.gone()
    }
  }

  waited(): void {
    if (this.#opening === undefined) return
    this.#timer = setTimeout(timedOut, this.#opening.timeoutMs - WAITING_MS, this)
    this.#watcher.waiting()
  }

  timedOut(): void {
    this.#end({ kind: 'timeout', detail: `no answer within ${this.#opening?.timeoutMs} ms` })
  }

  failed(error: unknown): void {
    this.#watcher.failed(error)
  }

  #end(outcome?: OpeningOutcome): void {
    if (this.#opening === undefined) return
    this.#opening = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (outcome?.kind !== 'open') {
      this.#socket.destroy()
      this.#transport.destroy()
    }
    if (outcome) this.#watcher.settled(outcome)
  }
}

function optionsOf(address: BackendAddress, lent: LentReader | undefined): net.NetConnectOpts {
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, ...(lent ? { onread: lent.onread } : {}) }
  return address.kind === 'unix'
    ? { ...options, path: address.path }
    : { ...options, host: address.host, port: address.port }
}

const ofConnect = ownedEvents<Connect>((one, error) => one.failed(error))

const listenToTransport = ofConnect.listeners({
  error: (one, error: NodeJS.ErrnoException) => one.transportBroken(error),
  close: (one) => one.closed(),
  connect: (one) => one.connected(),
})

const listenToTls = ofConnect.listeners({
  error: (one, error: NodeJS.ErrnoException) => one.broken(error),
  secureConnect: (one) => one.opened(),
})

const waited = ofConnect.guarded((one) => one.waited())
const timedOut = ofConnect.guarded((one) => one.timedOut())

/** Errors of this machine, whoever is connected to. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/** Node sets `authorizationError` when, and only when, the chain or the name is what failed. */
function kindOf(error: NodeJS.ErrnoException, socket: net.Socket): 'untrusted' | 'exhausted' | 'refused' {
  if (EXHAUSTED.has(error.code ?? '')) return 'exhausted'
  const isUntrusted = error.code === 'ERR_TLS_CERT_ALTNAME_INVALID' || (socket as tls.TLSSocket).authorizationError
  return isUntrusted ? 'untrusted' : 'refused'
}

/** A connect to several addresses of a name fails with one error for each. */
function textOf(error: NodeJS.ErrnoException): string {
  const errors = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error]
  return errors.map((each) => each.message || each.code || String(each)).join('; ')
}
