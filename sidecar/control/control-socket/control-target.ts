import type { ListenState } from '../../engine/ports.ts'
import type { HostReport } from '../host-report.ts'
import type { ClientFilter } from './client-filter.ts'
import type { ClientReport } from './client-report.ts'

/** What the control socket speaks for: one engine, or several that serve one manifest together. */
export interface ControlTarget {
  states(): Promise<StatesReport>
  /** @throws ControlError for a filter that cannot fit any client */
  clients(filter: ClientFilter): Promise<readonly ClientReport[]>
  disconnect(clientIds: readonly string[]): Promise<DisconnectReport>
  certs(): Promise<CertsReport>
  /** Looks at every certificate again; resolves when what was found is in service. */
  recheck(): Promise<RecheckReport>
  /** Begins the graceful stop, as SIGTERM does. */
  drain(): Promise<DrainReport>
  totals(): Promise<TotalsReport>
}

/** Answer of `states`. */
export interface StatesReport {
  readonly name: string
  readonly namespace: string
  /** Whether every listener listens (`ListenAllOK`). */
  readonly listenAllOk: boolean
  readonly stopping: boolean
  readonly clients: number
  readonly listeners: readonly ListenState[]
}

/** Answer of `disconnect`. */
export interface DisconnectReport {
  readonly disconnected: readonly string[]
  /** No client has these ids, or its end is decided already. */
  readonly notFound: readonly string[]
}

/** Answer of `certs`. */
export interface CertsReport {
  readonly hosts: readonly HostReport[]
}

/** Answer of `recheck`. */
export interface RecheckReport extends CertsReport {
  readonly changes: readonly CertificateChange[]
}

/** Something that is different after a recheck. */
export interface CertificateChange {
  readonly hostTag: string
  /** One sentence without a period. */
  readonly what: string
}

/** Answer of `drain`. */
export interface DrainReport {
  /** False when the engine was stopping already. */
  readonly begun: boolean
  readonly clients: number
  /** Seconds that clients may take once it no longer listens. */
  readonly drainSeconds: number
}

/** What one listener or host did since the start. Two reports make a rate. */
export interface Totals {
  /** Name of the listener, or tag of the host. */
  readonly name: string
  readonly clients: number
  /** Accepted by the listener, or given to the host. */
  readonly connections: number
  readonly handshakes: number
  /** Those of connected clients included. */
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Answer of `totals`. */
export interface TotalsReport {
  readonly name: string
  readonly namespace: string
  /** Milliseconds of a clock that never goes back. */
  readonly at: number
  readonly uptimeSeconds: number
  readonly clients: number
  readonly stopping: boolean
  readonly listeners: readonly Totals[]
  readonly hosts: readonly Totals[]
}

/** A request that cannot be granted, told to whoever asked. */
export class ControlError extends Error {
  /** HTTP status, 4xx. */
  readonly status: number
  readonly hint: string

  constructor(status: number, message: string, hint: string) {
    super(message)
    this.name = 'ControlError'
    this.status = status
    this.hint = hint
  }
}
