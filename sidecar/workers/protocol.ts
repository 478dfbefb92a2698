import type { IcsHostStatus, SocketServer, UnresolvedRef } from '../../crds/index.ts'
import type { SharedAuthority } from '../certificates/self-signed.ts'
import type { CountsSnapshot } from '../control/admin/counts.ts'
import type { DelayCounts } from '../control/admin/event-loop-delay.ts'
import type { HostReport } from '../control/host-report.ts'
import type { LogFormat } from '../control/log-line.ts'
import type { BackendState } from '../control/server-view.ts'
import type { ClientState, ListenState, LiveTraffic } from '../engine/ports.ts'
import type { LimitName } from '../engine/shared-limits.ts'
import type { SourceRefusal } from '../engine/stages/admission.ts'

/** What a worker needs to serve. */
export interface WorkerSetup {
  /** Unique among all workers there ever were. */
  readonly incarnation: number
  /** Whether it is the one that tells of certificates and listeners in the log: they are the same for all. */
  readonly isSpokesman: boolean
  readonly manifest: SocketServer
  readonly secretsDir: string
  readonly configMapsDir: string
  readonly selfSigned: false | SharedAuthority
  readonly logFormat: LogFormat
  /** The newest first. */
  readonly ticketSecrets: readonly Uint8Array[]
}

/** Places of new limits that a worker's clients hold already, by limit. */
export type Adopted = ReadonlyMap<LimitName, number>

/** What is seen of a worker at one moment. */
export interface WorkerView {
  readonly listenStates: readonly ListenState[]
  readonly backends: readonly BackendState[]
  readonly liveTraffic: readonly LiveTraffic[]
  readonly clientCount: number
  readonly counts: CountsSnapshot
  readonly droppedLines: number
  readonly eventLoop: DelayCounts
  /** Seconds of processor time. */
  readonly cpuSeconds: number
  readonly residentBytes: number
}

/** What a supervisor asks of a worker. */
export interface WorkerMethods {
  start(setup: WorkerSetup): Promise<Adopted>
  apply(manifest: SocketServer): Promise<Adopted>
  /** Takes back the places of a limit that lie idle; returns their number. */
  recall(limit: LimitName): number
  view(): WorkerView
  /** Certificates are the same for all workers: one is asked. */
  hosts(): {
    readonly hosts: readonly IcsHostStatus[]
    readonly certificates: readonly HostReport[]
    readonly unresolved: readonly UnresolvedRef[]
  }
  clients(): readonly ClientState[]
  /** Returns the ids of those that were there. */
  disconnectAll(clientIds: readonly string[]): readonly string[]
  useTicketSecrets(secrets: readonly Uint8Array[]): void
  recheck(): Promise<void>
  close(): Promise<void>
  drain(milliseconds: number): Promise<void>
  /** Closes every client, tells of them in the log, and ends the process. */
  abort(): void
}

/** What a worker asks of its supervisor. */
export interface SupervisorMethods {
  /** Asks for `wanted` places of a limit, and gets as many, more, or fewer. */
  lease(limit: LimitName, wanted: number): Promise<number>
  giveBack(limit: LimitName, places: number): void
  /** Counts a client of an address under a number of the worker's own. */
  enter(entry: number, address: string): SourceRefusal | undefined
  leave(entry: number): void
  /** Told about once a second, so that little is lost when the worker is. */
  counted(counts: CountsSnapshot): void
}
