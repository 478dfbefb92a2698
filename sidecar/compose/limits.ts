import type { SocketServerSpec, Timeouts } from '../../crds/index.ts'
import type { EngineTimeouts } from '../engine/configuration.ts'
import type { GateSettings } from '../engine/gate.ts'
import type { Room } from './room.ts'

/** The limits and texts of a manifest, as the engine's gate goes by them in the room there is. */
export function gateSettings(spec: SocketServerSpec, room: Room): GateSettings {
  const { perSecond, burst } = spec.access.acceptRatePerSource
  return {
    maxClients: leastLimit(spec.maxClients, room.clients),
    maxClientsPerSource: spec.maxClientsPerSource,
    acceptRatePerSource: { perSecond, burst: burst === 0 ? perSecond : burst },
    allow: spec.access.allow,
    deny: spec.access.deny,
    banner: Buffer.from(spec.banner),
    bannerTooBusy: Buffer.from(spec.bannerTooBusy),
    lanes: room.lanes,
  }
}

/** The smaller of two limits, of which 0 and undefined are none. */
function leastLimit(wanted: number, possible: number | undefined): number {
  if (possible === undefined) return wanted
  return wanted === 0 ? possible : Math.min(wanted, possible)
}

/** The manifest's seconds in milliseconds. */
export function engineTimeouts(timeouts: Timeouts): EngineTimeouts {
  return {
    handshakeMs: timeouts.handshakeSeconds * 1000,
    idleMs: timeouts.idleSeconds * 1000,
    lifetimeMs: timeouts.lifetimeSeconds * 1000,
    drainMs: timeouts.drainSeconds * 1000,
  }
}
