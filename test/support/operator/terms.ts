import type { AuditEvent } from '../control-plane/control-plane.ts'

/** An entry of the audit log with its times; a policy that is to show terms lets lease writes through with their bodies. */
interface TimedEvent extends AuditEvent {
  /** When the API server had the request, and when it had answered it; RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

/** One writer's time with the lease. */
export interface Term {
  readonly holder: string
  /** When the lease was being taken: whoever wrote before is done. */
  readonly from: string
  /** Writes within it, beside those of the lease. */
  writes: number
}

/** What the audit log of an API server says of who wrote when. */
export interface Terms {
  readonly terms: readonly Term[]
  /** Writes of whoever did not hold the lease, for people. */
  readonly strays: readonly string[]
}

const WRITES = new Set(['create', 'update', 'patch', 'delete'])

/**
 * Reads from an audit log whose turn it was: each user that took the lease has its term until the next takes it, or it gives it
 * back. A write is astray when its whole handling lies outside of the terms of its user.
 */
export function termsOf(events: readonly AuditEvent[], users: ReadonlySet<string>): Terms {
  const done = (events as readonly TimedEvent[])
    .filter(
      ({ user, verb, responseStatus }) =>
        users.has(user.username) && WRITES.has(verb) && (responseStatus?.code ?? 0) < 300,
    )
    // Fixed digits, so that the order of the texts is that of the times.
    .sort((a, b) => (a.stageTimestamp < b.stageTimestamp ? -1 : 1))
  const terms: (Term & { to: string })[] = []
  for (const { objectRef, user, requestObject, requestReceivedTimestamp, stageTimestamp } of done) {
    if (objectRef?.resource !== 'leases') continue
    const { holderIdentity } = (requestObject as { spec: { holderIdentity: string } }).spec
    const last = terms.at(-1)
    if (holderIdentity === '') {
      if (last !== undefined) last.to = stageTimestamp
    } else if (last?.holder !== user.username || last.to !== '') {
      if (last?.to === '') last.to = stageTimestamp
      terms.push({ holder: user.username, from: requestReceivedTimestamp, to: '', writes: 0 })
    }
  }
  const strays: string[] = []
  for (const { objectRef, user, verb, requestReceivedTimestamp, stageTimestamp } of done) {
    if (objectRef?.resource === 'leases') continue
    const term = terms.find(
      ({ holder, from, to }) =>
        holder === user.username && stageTimestamp >= from && (to === '' || requestReceivedTimestamp <= to),
    )
    if (term !== undefined) term.writes += 1
    else strays.push(`${user.username}: ${verb} ${objectRef?.resource} ${objectRef?.name} at ${stageTimestamp}`)
  }
  return { terms, strays }
}
