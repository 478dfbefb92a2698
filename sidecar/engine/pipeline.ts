import type { TLSSocket } from 'node:tls'
import type { SteadyClock } from '../base/clock.ts'
import type { CloseReason } from './close-reason.ts'
import type { EngineTimeouts } from './configuration.ts'
import type { Connection } from './connection.ts'
import { causeOf, guardEvents, onBehalfOf } from './defects.ts'
import { enter } from './enter.ts'
import type { Gate } from './gate.ts'
import type { HostEntry } from './host-entry.ts'
import type { Places } from './places.ts'
import type { EngineObserver } from './ports.ts'
import type { SharedLimits } from './shared-limits.ts'
import { ALERTS, type Greeting, greet } from './stages/greeting.ts'
import type { ProxySettings } from './stages/proxy-header.ts'
import { judgeClient } from './tls/client-certificate.ts'
import type { ClientHello } from './tls/client-hello.ts'
import { negotiatedGroup } from './tls/groups.ts'
import type { HostTable } from './tls/host-table.ts'
import { isOpenSsl, isSuite13 } from './tls/policy.ts'
import { settledFacts } from './tls/settled-facts.ts'

/** What a connection passes through; replaced as a whole when the configuration changes. */
export interface Route {
  readonly tls: boolean
  readonly proxy: ProxySettings
  readonly table: HostTable<HostEntry>
}

/** What every connection of an engine shares. */
export interface PipelineContext {
  readonly clock: SteadyClock
  readonly observer: EngineObserver
  readonly gate: Gate
  /** Limits over several processes; undefined in one that serves alone. */
  readonly shared: SharedLimits | undefined
  /** Replaced when the configuration changes. */
  timeouts: EngineTimeouts
}

/** RFC 8737: a hello that offers this protocol alone is a validation by a certificate authority, never a client. */
const ACME_TLS = 'acme-tls/1'

/**
 * The life of one client after accept: enter, greet, select, secure, serve. Every stage either goes on or closes the
 * connection with a reason; a stage that throws is a defect, and this client alone pays for it.
 */
export function serveConnection(connection: Connection, route: Route, places: Places, context: PipelineContext): void {
  try {
    const entered = enter(connection, route, places, context)
    if (entered === true) begin(connection, route, context)
    else if (entered !== false)
      entered
        .then((isInside) => isInside && begin(connection, route, context))
        .catch((error: unknown) => defective(connection, error))
  } catch (error) {
    defective(connection, error)
  }
}

function defective(connection: Connection, error: unknown): void {
  connection.close('HandlerFailed', causeOf(error))
}

function begin(connection: Connection, route: Route, context: PipelineContext): void {
  if (route.tls) {
    greet(connection.socket, (greeting) => {
      try {
        serveTls(connection, greeting, route, context)
      } catch (error) {
        defective(connection, error)
      }
    })
    return
  }
  connection.disarm()
  const host = route.table.defaultHost
  if (host) serve(connection, host, context)
  else connection.refuse('UnknownHost', 'no host serves the listener')
}

function serveTls(
  connection: Connection,
  greeting: Greeting | undefined,
  route: Route,
  context: PipelineContext,
): void {
  if (connection.closed) return
  if (greeting === undefined) connection.close('ClientGone', 'the client left before its hello')
  else if (greeting.kind === 'refuse') connection.refuse(greeting.reason, greeting.detail, greeting.lastWords)
  else select(connection, greeting.hello, route, context)
}

function select(connection: Connection, hello: ClientHello, route: Route, context: PipelineContext): void {
  connection.serverName = hello.serverName
  const host = route.table.find(hello.serverName)
  if (!host) {
    connection.refuse('UnknownHost', 'no host has the server name', ALERTS.unrecognizedName)
    return
  }
  connection.hostTag = host.hostTag
  if (host.mode === 'passthrough') {
    connection.disarm()
    // Nothing can be said inside a TLS stream that is another's.
    if (connection.laneReason) connection.refuse(connection.laneReason, '')
    else serve(connection, host, context)
  } else if (hello.alpn.length === 1 && hello.alpn[0] === ACME_TLS)
    connection.refuse('HandshakeFailed', 'no challenge to answer', ALERTS.noApplicationProtocol)
  else if (!host.server) connection.refuse('NoCertificate', host.problem, ALERTS.handshakeFailure)
  else secure(connection, host, hello, context)
}

function secure(connection: Connection, host: HostEntry, hello: ClientHello, context: PipelineContext): void {
  const { socket } = connection
  // A client that ends its side in mid-handshake is gone; half-closing is for secured connections.
  socket.allowHalfOpen = false
  host.server?.secure(socket, hello.ticketKeyName, (outcome) => {
    if (connection.closed) return
    if (outcome.kind === 'failed') {
      const code = outcome.error.code ?? outcome.error.message
      connection.close(HANDSHAKE_FAILURES[code] ?? 'HandshakeFailed', code)
      return
    }
    try {
      outcome.socket.allowHalfOpen = true
      connection.disarm()
      connection.serveOn(outcome.socket)
      secured(connection, host, hello, outcome.socket, context)
    } catch (error) {
      // Called by the TLS library, so that nobody else would close the client.
      defective(connection, error)
    }
  })
}

/** Errors by which a handshake fails for a cause that has a reason of its own. */
const HANDSHAKE_FAILURES: Readonly<Record<string, CloseReason>> = {
  ECONNRESET: 'ClientGone',
  // BoringSSL judges this itself, where OpenSSL tells it as a result of the verification.
  ERR_SSL_KEY_USAGE_BIT_INCORRECT: 'ClientCertificateInvalid',
}

function secured(
  connection: Connection,
  host: HostEntry,
  hello: ClientHello,
  socket: TLSSocket,
  context: PipelineContext,
): void {
  const verdict = judgeClient(socket, host.clientCertificate, context.clock.now())
  const cipher = socket.getCipher()?.standardName ?? ''
  const version = isSuite13(cipher) ? 'TLSv1.3' : (socket.getProtocol() ?? '')
  const settled = { version, cipher, resumed: socket.isSessionReused() }
  const group = negotiatedGroup(host.groups, hello, settled, isOpenSsl)
  const certificate = verdict.kind === 'accept' ? verdict.certificate : undefined
  connection.tls = settledFacts({ ...settled, group }, certificate)
  if (verdict.kind === 'refuse') {
    connection.close(verdict.reason, verdict.detail)
    return
  }
  if (connection.laneReason) {
    context.gate.dismiss(connection, connection.laneReason, host)
    return
  }
  connection.alpnProtocol = socket.alpnProtocol || undefined
  const tookMs = context.clock.elapsed() - connection.acceptedAt
  context.observer.handshakeDone(connection.listener, host.hostTag, connection.tls, tookMs)
  serve(connection, host, context)
}

function serve(connection: Connection, host: HostEntry, { gate, clock }: PipelineContext): void {
  connection.hostTag = host.hostTag
  connection.beginService(clock.elapsed())
  gate.served(connection)
  const { handler } = host
  if (!handler.guardsItself) guardEvents(connection)
  try {
    const banner = gate.bannerOf(host)
    if (banner) {
      connection.sentBytes += banner.length
      connection.stream.write(banner)
    }
    const served = handler.guardsItself
      ? handler.serve(connection)
      : onBehalfOf(connection, () => handler.serve(connection))
    served?.catch((error: unknown) => defective(connection, error))
  } catch (error) {
    defective(connection, error)
  }
}
