import type { LiveTraffic } from '../engine/ports.ts'
import type { ClosedCount } from './admin/counts.ts'

/** Connections and bytes of one listener and host since the start, those of connected clients included. */
export interface Traffic {
  readonly listener: string
  /** Empty for clients without a host. */
  readonly hostTag: string
  connections: number
  receivedBytes: number
  sentBytes: number
}

/**
 * Adds what ended clients moved and what connected ones have moved so far. Each of `listeners` has an entry without a
 * host, so that one without clients shows 0 and not a gap.
 */
export function trafficOf(
  counts: { readonly closes: ReadonlyMap<string, ClosedCount> },
  live: readonly LiveTraffic[],
  listeners: readonly string[],
): readonly Traffic[] {
  const sums = new Map<string, Traffic>()
  const add = (listener: string, hostTag: string, connections: number, receivedBytes: number, sentBytes: number) => {
    const key = `${listener} ${hostTag}`
    const sum = sums.get(key)
    if (sum === undefined) {
      sums.set(key, { listener, hostTag, connections, receivedBytes, sentBytes })
      return
    }
    sum.connections += connections
    sum.receivedBytes += receivedBytes
    sum.sentBytes += sentBytes
  }
  for (const listener of listeners) add(listener, '', 0, 0, 0)
  for (const one of counts.closes.values()) add(one.listener, one.hostTag, one.count, one.receivedBytes, one.sentBytes)
  for (const one of live) add(one.listener, one.hostTag, one.clients, one.receivedBytes, one.sentBytes)
  return [...sums.values()]
}
