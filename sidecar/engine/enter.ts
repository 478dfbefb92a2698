import type { Connection } from './connection.ts'
import type { PipelineContext, Route } from './pipeline.ts'
import type { Places } from './places.ts'
import type { SharedLimits } from './shared-limits.ts'
import { readProxyHeader, speaksForOthers } from './stages/proxy-header.ts'

/**
 * Takes a client in: its source is judged, it takes a place, and its time for the handshake begins. False when it was
 * closed instead. A promise only where another process or a PROXY protocol header has to be waited for, which is rare: a
 * promise for each client would cost as much as everything else here.
 */
export function enter(
  connection: Connection,
  route: Route,
  places: Places,
  context: PipelineContext,
): boolean | Promise<boolean> {
  const { gate, clock, shared } = context
  const hasToWait = route.proxy.mode !== 'None' || (shared && (shared.countsSources || isFull(connection, shared)))
  if (hasToWait) return enterLater(connection, route, places, context)
  return gate.enterSource(connection, route, clock.elapsed()) && takePlace(connection, route, places, context)
}

async function enterLater(
  connection: Connection,
  route: Route,
  places: Places,
  context: PipelineContext,
): Promise<boolean> {
  const { shared } = context
  const isProxied = speaksForOthers(connection, route.proxy)
  // Behind a proxy the source is known after its header; everywhere else before a byte is read.
  if (!isProxied && !(await enterSource(connection, route, context))) return false
  // Between the last look and taking the place nothing may be waited for: others wait for places as well.
  while (shared && !connection.lane && isFull(connection, shared)) {
    const isWorthALook = await shared.obtain(connection.listener)
    if (connection.closed) return false
    if (!isWorthALook) break
  }
  if (!takePlace(connection, route, places, context)) return false
  if (route.proxy.mode !== 'None' && !(await readProxyHeader(connection, route.proxy))) return false
  return !isProxied || enterSource(connection, route, context)
}

const isFull = (connection: Connection, shared: SharedLimits) => shared.isFull(connection.listener) || shared.isFull('')

function takePlace(connection: Connection, route: Route, places: Places, context: PipelineContext): boolean {
  const { gate, clock, timeouts } = context
  if (!connection.lane && !gate.takePlace(connection, places, route, clock.elapsed())) return false
  if (route.tls || route.proxy.mode !== 'None')
    connection.arm(timeouts.handshakeMs, () => connection.close('TooSlow', 'no complete handshake in time'))
  return true
}

/** Judges the source of a client, beside those of other processes where they count; false when the client is closed. */
async function enterSource(connection: Connection, route: Route, context: PipelineContext): Promise<boolean> {
  const { gate, clock, shared } = context
  if (!gate.enterSource(connection, route, clock.elapsed())) return false
  if (!shared?.countsSources) return true
  const entry = await shared.enter(connection.peerAddress)
  if (typeof entry !== 'number') return !connection.closed && gate.refuseSource(connection, entry, route)
  if (connection.closed) {
    shared.leave(entry)
    return false
  }
  connection.sharedEntry = entry
  return true
}
