import type { SocketServerSpec, Timeouts } from '../../crds/index.ts'
import type { EngineTimeouts } from '../engine/configuration.ts'
import type { GateSettings } from '../engine/gate.ts'

/** The limits and texts of a manifest, as the engine's gate goes by them. */
export function gateSettings(spec: SocketServerSpec): GateSettings {
  const { perSecond, burst } = spec.access.acceptRatePerSource
  return {
    maxClients: spec.maxClients,
    maxClientsPerSource: spec.maxClientsPerSource,
    acceptRatePerSource: { perSecond, burst: burst === 0 ? perSecond : burst },
    allow: spec.access.allow,
    deny: spec.access.deny,
    banner: Buffer.from(spec.banner),
    bannerTooBusy: Buffer.from(spec.bannerTooBusy),
  }
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
