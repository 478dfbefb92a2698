import type { ClientRecord, EngineObserver, TlsFacts } from '../../engine/ports.ts'

/** Upper bounds of the handshake histogram, in seconds: from a resumption on one machine to the handshake's time limit. */
export const HANDSHAKE_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** Distinct kinds of handshake that are told apart; the rest counts as `other`, so that clients cannot grow the set. */
const MAX_HANDSHAKE_KINDS = 64

/** What is counted for one listener. */
export interface ListenerCounts {
  accepted: number
  receivedBytes: number
  sentBytes: number
  readonly handshakeBuckets: number[]
  handshakeSum: number
  handshakeCount: number
}

/** One series of a counter with labels. */
export interface LabelledCount {
  readonly labels: Readonly<Record<string, string>>
  count: number
}

/** Counts what the engine tells, in plain numbers: it is called for every connection. */
export class Counts implements EngineObserver {
  readonly listeners = new Map<string, ListenerCounts>()
  /** By listener, host and reason. */
  readonly closes = new Map<string, LabelledCount>()
  /** By version, group and resumption. */
  readonly handshakes = new Map<string, LabelledCount>()
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
        receivedBytes: 0,
        sentBytes: 0,
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

  handshakeDone(listener: string, _hostTag: string, facts: TlsFacts, milliseconds: number): void {
    const counts = this.of(listener)
    const seconds = milliseconds / 1000
    counts.handshakeSum += seconds
    counts.handshakeCount += 1
    const bucket = HANDSHAKE_BOUNDS.findIndex((bound) => seconds <= bound)
    if (bucket !== -1) counts.handshakeBuckets[bucket] = (counts.handshakeBuckets[bucket] ?? 0) + 1

    const key = `${facts.version} ${facts.group} ${facts.resumed}`
    const kind = this.handshakes.get(key)
    if (kind !== undefined) kind.count += 1
    else if (this.handshakes.size < MAX_HANDSHAKE_KINDS) {
      const labels = { version: facts.version, group: facts.group || 'none', resumed: String(facts.resumed) }
      this.handshakes.set(key, { labels, count: 1 })
    } else {
      const other = this.handshakes.get('other')
      if (other !== undefined) other.count += 1
      else this.handshakes.set('other', { labels: { version: 'other', group: 'other', resumed: 'other' }, count: 1 })
    }
  }

  clientClosed(record: ClientRecord): void {
    const counts = this.of(record.listener)
    counts.receivedBytes += record.receivedBytes
    counts.sentBytes += record.sentBytes
    const key = `${record.listener} ${record.hostTag} ${record.reason}`
    const close = this.closes.get(key)
    if (close !== undefined) close.count += 1
    else {
      const labels = { listener: record.listener, host: record.hostTag, reason: record.reason }
      this.closes.set(key, { labels, count: 1 })
    }
  }

  listenerChanged(): void {}
}
