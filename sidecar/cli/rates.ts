import type { Totals, TotalsReport } from '../control/control-socket/control-target.ts'

/** What one listener or host does at present, per second. */
export interface Rate {
  readonly name: string
  readonly clients: number
  readonly connectionsPerSecond: number
  readonly handshakesPerSecond: number
  readonly receivedBytesPerSecond: number
  readonly sentBytesPerSecond: number
}

/** What an engine does at present. */
export interface RatesReport
  extends Pick<TotalsReport, 'name' | 'namespace' | 'uptimeSeconds' | 'clients' | 'stopping'> {
  /** Seconds between the two looks behind the rates. */
  readonly seconds: number
  readonly listeners: readonly Rate[]
  readonly hosts: readonly Rate[]
}

/** The rates between two looks at one engine. What came meanwhile counts from 0, what was reset is never negative. */
export const ratesBetween = (before: TotalsReport, after: TotalsReport): RatesReport => {
  const seconds = (after.at - before.at) / 1000
  const { name, namespace, uptimeSeconds, clients, stopping } = after
  const of = (was: readonly Totals[], is: readonly Totals[]): Rate[] => {
    const known = new Map(was.map((one) => [one.name, one]))
    return is.map((one) => {
      const old = known.get(one.name)
      const rate = (field: 'connections' | 'handshakes' | 'receivedBytes' | 'sentBytes'): number => {
        const more = one[field] - (old?.[field] ?? 0)
        return seconds > 0 ? Math.max(0, more) / seconds : 0
      }
      return {
        name: one.name,
        clients: one.clients,
        connectionsPerSecond: rate('connections'),
        handshakesPerSecond: rate('handshakes'),
        receivedBytesPerSecond: rate('receivedBytes'),
        sentBytesPerSecond: rate('sentBytes'),
      }
    })
  }
  return {
    ...{ name, namespace, uptimeSeconds, clients, stopping, seconds },
    listeners: of(before.listeners, after.listeners),
    hosts: of(before.hosts, after.hosts),
  }
}
