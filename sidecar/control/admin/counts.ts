import type { CloseReason } from '../../engine/close-reason.ts'
import type { ClientRecord, EngineObserver, TlsFacts } from '../../engine/ports.ts'

/** Upper bounds of the handshake histogram, in seconds: from a resumption on one machine to the handshake's time limit. */
export const HANDSHAKE_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** Kinds of handshake of one host that are told apart; the rest counts as `other`, so that clients cannot grow the set. */
const MAX_HANDSHAKE_KINDS = 32

/** What is counted for one listener. */
export interface ListenerCounts {
  accepted: number
  readonly handshakeBuckets: number[]
  handshakeSum: number
  handshakeCount: number
}

/** The connections of one listener that ended with one host and one reason. */
export interface ClosedCount {
  readonly listener: string
  /** Empty when no host was selected. */
  readonly hostTag: string
  readonly reason: CloseReason
  count: number
  receivedBytes: number
  sentBytes: number
}

/** The handshakes of one kind with one host. */
export interface HandshakeCount {
  readonly version: string
  readonly group: string
  readonly resumed: string
  count: number
}

/** What one process counted of its clients. */
export interface CountsSnapshot {
  readonly listeners: ReadonlyMap<string, ListenerCounts>
  readonly closes: ReadonlyMap<string, ClosedCount>
  readonly handshakes: ReadonlyMap<string, ReadonlyMap<string, HandshakeCount>>
  readonly defects: number
}

/** Counts what the engine tells, in plain numbers: it is called for every connection. */
export class Counts implements EngineObserver {
  readonly listeners = new Map<string, ListenerCounts>()
  /** By listener, host and reason. */
  readonly closes = new Map<string, ClosedCount>()
  /** By host, then by version, group and resumption. */
  readonly handshakes = new Map<string, Map<string, HandshakeCount>>()
  /** Manifests that were taken after the start, and that were refused. */
  readonly configurations = { accepted: 0, refused: 0 }
  /** Milliseconds since the Unix epoch of the last manifest that was taken; 0 before the first change. */
  acceptedAt = 0
  /** Exceptions that reached nobody. */
  defects = 0

  /** The counts of a listener, all 0 at first. */
  of(listener: string): ListenerCounts {
    let counts = this.listeners.get(listener)
    if (counts === undefined) {
      counts = {
        accepted: 0,
        handshakeBuckets: HANDSHAKE_BOUNDS.map(() => 0),
        handshakeSum: 0,
        handshakeCount: 0,
      }
      this.listeners.set(listener, counts)
    }
    return counts
  }

  /** Counts a manifest that came after the start. */
  judged(outcome: 'accepted' | 'refused', now: number): void {
    this.configurations[outcome] += 1
    if (outcome === 'accepted') this.acceptedAt = now
  }

  clientOpened(listener: string): void {
    this.of(listener).accepted += 1
  }

  handshakeDone(listener: string, hostTag: string, facts: TlsFacts, milliseconds: number): void {
    const counts = this.of(listener)
    const seconds = milliseconds / 1000
    counts.handshakeSum += seconds
    counts.handshakeCount += 1
    const bucket = HANDSHAKE_BOUNDS.findIndex((bound) => seconds <= bound)
    if (bucket !== -1) counts.handshakeBuckets[bucket] = (counts.handshakeBuckets[bucket] ?? 0) + 1

    let kinds = this.handshakes.get(hostTag)
    if (kinds === undefined) {
      kinds = new Map()
      this.handshakes.set(hostTag, kinds)
    }
    const kind = kinds.get(`${facts.version} ${facts.group} ${facts.resumed}`)
    if (kind === undefined) addKind(kinds, facts)
    else kind.count += 1
  }

  clientClosed(record: ClientRecord): void {
    const { listener, hostTag, reason, receivedBytes, sentBytes } = record
    const key = `${listener} ${hostTag} ${reason}`
    const close = this.closes.get(key)
    if (close === undefined) {
      this.closes.set(key, { listener, hostTag, reason, count: 1, receivedBytes, sentBytes })
      return
    }
    close.count += 1
    close.receivedBytes += receivedBytes
    close.sentBytes += sentBytes
  }

  listenerChanged(): void {}

  /** The counts as they are, for another process. */
  snapshot(): CountsSnapshot {
    const { listeners, closes, handshakes, defects } = this
    return { listeners, closes, handshakes, defects }
  }

  /** Adds what another process counted. */
  add(other: CountsSnapshot): void {
    for (const [name, listener] of other.listeners) {
      const counts = this.of(name)
      counts.accepted += listener.accepted
      counts.handshakeSum += listener.handshakeSum
      counts.handshakeCount += listener.handshakeCount
      for (const [at, count] of listener.handshakeBuckets.entries())
        counts.handshakeBuckets[at] = (counts.handshakeBuckets[at] ?? 0) + count
    }
    for (const [key, close] of other.closes) {
      const known = this.closes.get(key)
      if (known === undefined) this.closes.set(key, { ...close })
      else {
        known.count += close.count
        known.receivedBytes += close.receivedBytes
        known.sentBytes += close.sentBytes
      }
    }
    for (const [host, kinds] of other.handshakes) {
      const known = this.handshakes.get(host) ?? new Map<string, HandshakeCount>()
      this.handshakes.set(host, known)
      for (const [key, kind] of kinds) {
        const count = known.get(key)
        if (count === undefined) known.set(key, { ...kind })
        else count.count += kind.count
      }
    }
    this.defects += other.defects
  }

  /** Forgets what was counted of clients. */
  clear(): void {
    this.listeners.clear()
    this.closes.clear()
    this.handshakes.clear()
    this.defects = 0
  }
}

function addKind(kinds: Map<string, HandshakeCount>, { version, group, resumed }: TlsFacts): void {
  if (kinds.size < MAX_HANDSHAKE_KINDS) {
    const kind = { version, group: group || 'none', resumed: String(resumed), count: 1 }
    kinds.set(`${version} ${group} ${resumed}`, kind)
    return
  }
  const other = kinds.get('other')
  if (other === undefined) kinds.set('other', { version: 'other', group: 'other', resumed: 'other', count: 1 })
  else other.count += 1
}
