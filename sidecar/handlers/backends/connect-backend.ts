import net from 'node:net'
import tls from 'node:tls'
import type { BackendConnection } from '../relay.ts'
import type { BackendAddress } from './backend.ts'

/** What is done with a connection before the client's bytes. */
export interface Opening {
  readonly address: BackendAddress
  /** Milliseconds for everything up to the end of the TLS handshake; more than 100. */
  readonly timeoutMs: number
  /** The PROXY protocol header; sent before TLS, because its reader needs it to know whom it talks to. */
  readonly header: Buffer | undefined
  /** Undefined for plain text. */
  readonly tls: tls.ConnectionOptions | undefined
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
  /** Emits `close` once, however the connect and the connection end. */
  readonly transport: net.Socket
  /** Gives up; the watcher is not called any more. */
  cancel(): void
}

/** Who is told how a connect goes. */
export interface ConnectWatcher {
  /** Called at most once, when the backend has not accepted at once. */
  waiting(): void
  /** Called once, unless the connect is cancelled, and never before `connectBackend` returns. A connection is handed over paused. */
  settled(outcome: OpeningOutcome): void
}

/** Milliseconds after which a connect is a long one; a backend in the same network accepts within one or two. */
const WAITING_MS = 100

/** Connects to a backend. */
export function connectBackend(opening: Opening, watcher: ConnectWatcher): Connecting {
  const { address, timeoutMs, header, tls: security } = opening
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true }
  const transport = net.connect(
    address.kind === 'unix'
      ? { ...options, path: address.path }
      : { ...options, host: address.host, port: address.port },
  )
  let socket = transport
  let isSettled = false

  const end = (outcome?: OpeningOutcome) => {
    if (isSettled) return
    isSettled = true
    clearTimeout(timer)
    socket.off('error', onError)
    if (outcome?.kind === 'open') transport.off('close', onClose)
    else {
      // An error that comes late has no one to tell.
      socket.on('error', () => {})
      socket.destroy()
      transport.destroy()
    }
    if (outcome) watcher.settled(outcome)
  }
  const onError = (error: NodeJS.ErrnoException) => end({ kind: kindOf(error, socket), detail: textOf(error) })
  const onClose = () => end({ kind: 'refused', detail: 'closed before it was ready' })
  const onTimeout = () => end({ kind: 'timeout', detail: `no answer within ${timeoutMs} ms` })
  // One timer for both, since nearly every connect ends before either.
  let timer = setTimeout(() => {
    timer = setTimeout(onTimeout, timeoutMs - WAITING_MS)
    watcher.waiting()
  }, WAITING_MS)

  transport.on('error', onError)
  transport.on('close', onClose)
  transport.on('connect', () => {
    if (header) transport.write(header)
    if (!security) {
      end({ kind: 'open', connection: { socket, transport } })
      return
    }
    // TLS takes over the handle; what still befalls the socket below is told by the one above.
    transport.off('error', onError)
    transport.on('error', () => {})
    const secured = tls.connect({ ...security, socket: transport, allowHalfOpen: true } as tls.ConnectionOptions)
    socket = secured
    secured.on('error', onError)
    secured.on('secureConnect', () => end({ kind: 'open', connection: { socket: secured, transport } }))
  })
  return { transport, cancel: () => end() }
}

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
