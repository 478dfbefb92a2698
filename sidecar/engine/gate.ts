import type { CloseReason } from './close-reason.ts'
import type { Connection } from './connection.ts'
import { Admission, type AdmissionLimits } from './stages/admission.ts'

/** What the gate goes by; replaced as a whole when the configuration changes. */
export interface GateSettings extends AdmissionLimits {
  /** First bytes of every client that is served; empty for none. */
  readonly banner: Buffer
  /** What a client over a limit gets; empty for an immediate close. */
  readonly bannerTooBusy: Buffer
}

/** The places of one listener. */
export interface Places {
  readonly maxClients: number
  live: number
}

/**
 * Clients over a limit that are told so at a time. To tell one on a TLS listener costs a handshake, so their number is
 * bounded, and beyond it a client is closed at once.
 */
const LANE_PLACES = 32

/**
 * The way in: who may enter, and who is told that it is too busy.
 *
 * Invariants: a client holds its place from accept to close, or a place of the overflow lane, or none; what it holds is
 * given back once, in `release`.
 */
export class Gate {
  #settings: GateSettings
  #admission: Admission
  #live = 0
  #inLane = 0
  /** While true nobody enters: the server is stopping. */
  draining = false

  constructor(settings: GateSettings) {
    this.#settings = settings
    this.#admission = new Admission(settings)
  }

  /** Clients that hold a place, over all listeners. */
  get live(): number {
    return this.#live
  }

  get banner(): Buffer {
    return this.#settings.banner
  }

  /** Goes by other settings from here on; clients inside stay, also when they are too many. */
  replace(settings: GateSettings): void {
    this.#settings = settings
    this.#admission = new Admission(settings, this.#admission)
  }

  /** Judges the address of a client, once it is known; false when the client was closed. */
  enterSource(connection: Connection, isTls: boolean, now: number): boolean {
    const { peerAddress } = connection
    const denied = this.draining ? 'Draining' : this.#admission.isDenied(peerAddress)
    if (denied) return this.#turnAway(connection, denied)
    const refusal = this.#admission.enter(peerAddress, now)
    if (refusal === undefined) {
      connection.source = peerAddress
      return true
    }
    if (refusal === 'TooFast') return this.#turnAway(connection, refusal)
    return this.#tellBusy(connection, refusal, isTls)
  }

  /** Takes a place for a client; false when it was closed. */
  takePlace(connection: Connection, places: Places, isTls: boolean): boolean {
    const hasRoom = places.maxClients === 0 || places.live < places.maxClients
    if (!hasRoom || !this.#admission.hasPlace(this.#live)) return this.#tellBusy(connection, 'TooBusy', isTls)
    this.#live += 1
    places.live += 1
    connection.places = places
    return true
  }

  /** Says goodbye to a client that went through the overflow lane's handshake. */
  dismiss(connection: Connection, reason: CloseReason): void {
    connection.refuse(reason, 'told through the overflow lane', this.#settings.bannerTooBusy)
  }

  /** Gives back everything the client held. */
  release(connection: Connection): void {
    if (connection.places) {
      connection.places.live -= 1
      this.#live -= 1
    }
    if (connection.laneReason) this.#inLane -= 1
    if (connection.source !== undefined) this.#admission.leave(connection.source)
  }

  /** Forgets sources that are of no account any more. */
  sweep(now: number): void {
    this.#admission.sweep(now)
  }

  #turnAway(connection: Connection, reason: CloseReason): false {
    connection.refuse(reason, '')
    return false
  }

  /** True when the client goes on, through the lane, only to be told. */
  #tellBusy(connection: Connection, reason: CloseReason, isTls: boolean): boolean {
    const { bannerTooBusy } = this.#settings
    if (bannerTooBusy.length === 0) return this.#turnAway(connection, reason)
    if (!isTls) {
      connection.refuse(reason, '', bannerTooBusy)
      return false
    }
    if (this.#inLane >= LANE_PLACES) return this.#turnAway(connection, reason)
    // A client that was counted for neither its source nor a place is in the lane once.
    if (!connection.laneReason) this.#inLane += 1
    connection.laneReason = reason
    return true
  }
}
