import type { TLSSocket } from 'node:tls'
import type { SteadyClock } from '../base/clock.ts'
import type { CloseReason } from './close-reason.ts'
import type { EngineTimeouts } from './configuration.ts'
import type { Connection } from './connection.ts'
import { causeOf, guardEvents, onBehalfOf } from './defects.ts'
import type { Gate } from './gate.ts'
import type { HostEntry } from './host-entry.ts'
import type { Places } from './places.ts'
import type { EngineObserver } from './ports.ts'
import type { SharedLimits } from './shared-limits.ts'
import { ALERTS, greet } from './stages/greeting.ts'
import { type ProxySettings, readProxyHeader, speaksForOthers } from './stages/proxy-header.ts'
import { judgeClient } from './tls/client-certificate.ts'
import type { ClientHello } from './tls/client-hello.ts'
import { negotiatedGroup } from './tls/groups.ts'
import type { HostTable } from './tls/host-table.ts'
import { isOpenSsl } from './tls/policy.ts'
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
 * The life of one client after accept: greet, select, secure, serve. Every stage either goes on or closes the
 * connection with a reason; a stage that throws is a defect, and this client alone pays for it.
 */
export async function serveConnection(
  connection: Connection,
  route: Route,
  places: Places,
  context: PipelineContext,
): Promise<void> {
  const { gate, clock, shared } = context
  try {
    const isProxied = speaksForOthers(connection, route.proxy)
    // Behind a proxy the source is known after its header; everywhere else before a byte is read.
    if (!isProxied && !gate.enterSource(connection, route, clock.elapsed())) return
    if (!isProxied && shared?.countsSources && !(await enterShared(connection, route, gate, shared))) return
    // Between the last look and taking the place nothing may be waited for: others wait for places as well.
    while (shared && !connection.lane && (shared.isFull(connection.listener) || shared.isFull(''))) {
      const isWorthALook = await shared.obtain(connection.listener)
      if (connection.closed) return
      if (!isWorthALook) break
    }
    if (!connection.lane && !gate.takePlace(connection, places, route, clock.elapsed())) return
    if (route.tls || route.proxy.mode !== 'None')
      connection.arm(context.timeouts.handshakeMs, () => connection.close('TooSlow', 'no complete handshake in time'))
    if (route.proxy.mode !== 'None' && !(await readProxyHeader(connection, route.proxy))) return
    if (isProxied && !gate.enterSource(connection, route, clock.elapsed())) return
    if (isProxied && shared?.countsSources && !(await enterShared(connection, route, gate, shared))) return
    if (route.tls) await serveTls(connection, route, context)
    else {
      connection.disarm()
      const host = route.table.defaultHost
      if (host) await serve(connection, host, context)
      else connection.refuse('UnknownHost', 'no host serves the listener')
    }
  } catch (error) {
    connection.close('HandlerFailed', causeOf(error))
  }
}

/** Judges the source of a client beside those of other processes; false when the client is closed. */
async function enterShared(connection: Connection, route: Route, gate: Gate, shared: SharedLimits): Promise<boolean> {
  const entry = await shared.enter(connection.peerAddress)
  if (typeof entry !== 'number') return !connection.closed && gate.refuseSource(connection, entry, route)
  if (connection.closed) {
    shared.leave(entry)
    return false
  }
  connection.sharedEntry = entry
  return true
}

async function serveTls(connection: Connection, route: Route, context: PipelineContext): Promise<void> {
  const greeting = await greet(connection.socket)
  if (connection.closed) return
  if (greeting === undefined) return connection.close('ClientGone', 'the client left before its hello')
  if (greeting.kind === 'refuse') return connection.refuse(greeting.reason, greeting.detail, greeting.lastWords)

  const { hello } = greeting
  connection.serverName = hello.serverName
  const host = route.table.find(hello.serverName)
  if (!host) return connection.refuse('UnknownHost', 'no host has the server name', ALERTS.unrecognizedName)
  connection.hostTag = host.hostTag
  if (host.mode === 'passthrough') {
    connection.disarm()
    // Nothing can be said inside a TLS stream that is another's.
    if (connection.laneReason) return connection.refuse(connection.laneReason, '')
    return serve(connection, host, context)
  }
  if (hello.alpn.length === 1 && hello.alpn[0] === ACME_TLS)
    return connection.refuse('HandshakeFailed', 'no challenge to answer', ALERTS.noApplicationProtocol)
  if (!host.server) return connection.refuse('NoCertificate', host.problem, ALERTS.handshakeFailure)
  secure(connection, host, hello, context)
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
      connection.close('HandlerFailed', causeOf(error))
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
  const settled = {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher()?.standardName ?? '',
    resumed: socket.isSessionReused(),
  }
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
  serve(connection, host, context).catch((error: unknown) => connection.close('HandlerFailed', causeOf(error)))
}

async function serve(connection: Connection, host: HostEntry, { gate, clock }: PipelineContext): Promise<void> {
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
    await (handler.guardsItself ? handler.serve(connection) : onBehalfOf(connection, () => handler.serve(connection)))
  } catch (error) {
    connection.close('HandlerFailed', causeOf(error))
  }
}
