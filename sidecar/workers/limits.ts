import type { SocketServer, SocketServerSpec } from '../../crds/index.ts'
import type { LimitName } from '../engine/shared-limits.ts'

/** The limits of a manifest that hold over all workers; those without a limit are left out. */
export function sharedLimits({ maxClients, listeners }: SocketServerSpec): ReadonlyMap<LimitName, number> {
  const limits = new Map<LimitName, number>()
  if (maxClients > 0) limits.set('', maxClients)
  for (const listener of listeners) if (listener.maxClients > 0) limits.set(listener.name, listener.maxClients)
  return limits
}

/** Whether clients are counted by their source. */
export function countsSources({ maxClientsPerSource, access }: SocketServerSpec): boolean {
  return maxClientsPerSource > 0 || access.acceptRatePerSource.perSecond > 0
}

/** The manifest as one worker serves it: without the limits that hold over all. */
export function withoutSharedLimits(manifest: SocketServer): SocketServer {
  const { spec } = manifest
  return {
    ...manifest,
    spec: {
      ...spec,
      maxClients: 0,
      maxClientsPerSource: 0,
      access: { ...spec.access, acceptRatePerSource: { perSecond: 0, burst: 0 } },
      listeners: spec.listeners.map((listener) => ({ ...listener, maxClients: 0 })),
    },
  }
}
