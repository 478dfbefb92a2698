import net from 'node:net'
import tls from 'node:tls'
import type { BackendConnection } from '../relay.ts'
import type { BackendAddress } from './backend.ts'

/** What is done with a connection before the client's bytes. */
export interface Opening {
  readonly address: BackendAddress
  /** Milliseconds for everything up to the end of the TLS handshake. */
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
  /** The certificate fails verification. */
  | { readonly kind: 'untrusted'; readonly detail: string }

/** A connect under way. */
export interface Connecting {
  /** Emits `close` once, however the connect and the connection end. */
  readonly transport: net.Socket
  /** Gives up; `settle` is not called any more. */
  cancel(): void
}

/** Connects to a backend. `settle` is called once and never before this returns. A connection is handed over paused. */
export function connectBackend(opening: Opening, settle: (outcome: OpeningOutcome) => void): Connecting {
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
    if (outcome?.kind !== 'open') {
      // An error that comes late has no one to tell.
      socket.on('error', () => {})
      socket.destroy()
      transport.destroy()
    }
    if (outcome) settle(outcome)
  }
  const timer = setTimeout(() => end({ kind: 'timeout', detail: `no answer within ${timeoutMs} ms` }), timeoutMs)
  const onError = (error: NodeJS.ErrnoException) => end({ kind: kindOf(error, socket), detail: textOf(error) })

  transport.on('error', onError)
  transport.once('close', () => end({ kind: 'refused', detail: 'closed before it was ready' }))
  transport.once('connect', () => {
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
    secured.once('secureConnect', () => end({ kind: 'open', connection: { socket: secured, transport } }))
  })
  return { transport, cancel: () => end() }
}

/** Node sets `authorizationError` when, and only when, the chain or the name is what failed. */
function kindOf(error: NodeJS.ErrnoException, socket: net.Socket): 'untrusted' | 'refused' {
  const isUntrusted = error.code === 'ERR_TLS_CERT_ALTNAME_INVALID' || (socket as tls.TLSSocket).authorizationError
  return isUntrusted ? 'untrusted' : 'refused'
}

/** A connect to several addresses of a name fails with one error for each. */
function textOf(error: NodeJS.ErrnoException): string {
  const errors = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error]
  return errors.map((each) => each.message || each.code || String(each)).join('; ')
}
