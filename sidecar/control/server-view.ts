import type { IcsHostStatus, UnresolvedRef } from '../../crds/index.ts'
import type { ListenState, LiveTraffic } from '../engine/ports.ts'

/** What can be seen of a running server from outside, at the moment of the call. Public facts only. */
export interface ServerView {
  listenStates(): readonly ListenState[]
  hosts(): readonly IcsHostStatus[]
  /** Every Secret and CA that is named and cannot be used as it lies there. */
  unresolved(): readonly UnresolvedRef[]
  backends(): readonly BackendState[]
  /** Clients of all listeners, from accept to close. */
  readonly clientCount: number
  /** What the connected clients have moved so far, one entry per listener and host. */
  liveTraffic(): readonly LiveTraffic[]
}

/** One backend of one host. */
export interface BackendState {
  /** Tag of the host it belongs to. */
  readonly hostTag: string
  /** As in the log, for example `127.0.0.1:8080`. */
  readonly name: string
  /** False while it is left out after failures. */
  readonly healthy: boolean
  /** Clients connected or connecting to it. */
  readonly clients: number
}
