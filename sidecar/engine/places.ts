import type { Connection } from './connection.ts'
import { Roster } from './roster.ts'

/** The places of one listener. */
export interface Places {
  /** 0 for no limit. */
  maxClients: number
  /** Clients that hold one. */
  live: number
  /** Those of them that no handler has yet, in the order in which they came. */
  readonly pending: Roster<Connection>
}

/** The places of a listener that has no client yet. */
export const emptyPlaces = (): Places => ({ maxClients: 0, live: 0, pending: new Roster() })

/** A way out for clients without a place: how many take it now, and how many may. */
export interface Lane {
  places: number
  live: number
}
