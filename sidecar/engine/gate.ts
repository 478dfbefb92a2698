import type { CloseReason } from './close-reason.ts'
import type { Connection } from './connection.ts'
import type { HostEntry } from './host-entry.ts'
import type { Route } from './pipeline.ts'
import type { Lane, Places } from './places.ts'
import type { SharedLimits } from './shared-limits.ts'
import { Admission, type AdmissionLimits, type SourceRefusal } from './stages/admission.ts'
import { busyAnswer } from './stages/busy-answer.ts'

/** What the gate goes by; replaced as a whole when the configuration changes. */
export interface GateSettings extends AdmissionLimits {
  /** First bytes of every client that is served; empty for none. */
  readonly banner: Buffer
  /** What a client over a limit gets; empty for an immediate close. */
  readonly bannerTooBusy: Buffer
  /**
   * Clients over a limit that are told so at once. To tell one on a TLS listener costs a handshake, to tell one on a
   * plain listener costs its descriptor until it closes, so both are bounded; those beyond are closed at once.
   */
  readonly lanes: { readonly tls: number; readonly plain: number }
}

/**
 * Milliseconds after which a client whose handshake is not done makes room for another when there is no place left:
 * more than a good handshake takes, so that who is silent or slow on purpose keeps places from nobody.
 */
const PATIENCE_MS = 1_000

/**
 * The way in: who may enter, and who is told that it is too busy.
 *
 * Invariants: a client holds its place from accept to close, or a place of an overflow lane, or none; what it holds is
 * given back once, in `release`, or before when it passes its place on.
 */
export class Gate {
  readonly #shared: SharedLimits | undefined
  #settings: GateSettings
  #admission: Admission
  #live = 0
  /** The listeners with clients that no handler has yet, and some that had. */
  readonly #waiting = new Set<Places>()
  readonly #lanes: { readonly tls: Lane; readonly plain: Lane }
  #busyHttp: Buffer
  /** While true nobody enters: the server is stopping. */
  draining = false

  /** @param shared Limits over several processes, which hold beside those of `settings`. */
  constructor(settings: GateSettings, shared?: SharedLimits) {
    this.#shared = shared
    this.#settings = settings
    this.#admission = new Admission(settings)
    this.#lanes = { tls: { places: settings.lanes.tls, live: 0 }, plain: { places: settings.lanes.plain, live: 0 } }
    this.#busyHttp = busyAnswer(settings.bannerTooBusy)
  }

  /** Clients that hold a place, over all listeners. */
  get live(): number {
    return this.#live
  }

  /** Goes by other settings from here on; clients inside stay, also when they are too many. */
  replace(settings: GateSettings): void {
    this.#settings = settings
    this.#admission = new Admission(settings, this.#admission)
    this.#lanes.tls.places = settings.lanes.tls
    this.#lanes.plain.places = settings.lanes.plain
    this.#busyHttp = busyAnswer(settings.bannerTooBusy)
  }

  /** What the clients of a host get first; undefined for none. */
  bannerOf(host: HostEntry): Buffer | undefined {
    const { banner } = this.#settings
    return banner.length > 0 && host.mode === 'terminate' && host.handler.speaks !== 'http' ? banner : undefined
  }

  /**
   * Judges the address of a client, once it is known; false when the client was closed.
   * @param now Milliseconds.
   */
  enterSource(connection: Connection, route: Route, now: number): boolean {
    const { peerAddress } = connection
    if (this.draining) return turnAway(connection, 'Draining')
    if (this.#admission.isDenied(peerAddress)) return turnAway(connection, 'Denied')
    const entry = this.#admission.enter(peerAddress, now)
    if (!('reason' in entry)) {
      connection.source = entry
      return true
    }
    return this.refuseSource(connection, entry, route)
  }

  /** Refuses a client for the others of its source; true when it goes on only to be told. */
  refuseSource(connection: Connection, refusal: SourceRefusal, route: Route): boolean {
    // Behind a proxy the client took its place before its source was known.
    this.#giveBackPlace(connection)
    if (route.tls && !refusal.isDueToBeTold) return turnAway(connection, refusal.reason)
    return this.#tellBusy(connection, refusal.reason, route)
  }

  /** Takes a place for a client; false when it was closed. @param now Milliseconds. */
  takePlace(connection: Connection, places: Places, route: Route, now: number): boolean {
    const shared = this.#shared
    const isListenerFull =
      (places.maxClients > 0 && places.live >= places.maxClients) || shared?.isFull(connection.listener) === true
    const isFull = isListenerFull || !this.#admission.hasPlace(this.#live) || shared?.isFull('') === true
    if (isFull && !this.#makeRoom(isListenerFull ? places : this.#longestWaiting(), now))
      return this.#tellBusy(connection, 'TooBusy', route)
    this.#live += 1
    places.live += 1
    shared?.taken(connection.listener)
    connection.pendingSeat = places.pending.add(connection)
    this.#waiting.add(places)
    connection.places = places
    return true
  }

  /** A handler has the client from here on: it makes room for nobody any more. */
  served(connection: Connection): void {
    if (connection.places) isNotPending(connection, connection.places)
  }

  /** Says goodbye to a client that went through the overflow lane's handshake. */
  dismiss(connection: Connection, reason: CloseReason, host: HostEntry): void {
    connection.refuse(reason, 'told through the overflow lane', this.#busyWords(host))
  }

  /** Gives back everything the client held. */
  release(connection: Connection): void {
    this.#giveBackPlace(connection)
    if (connection.lane) connection.lane.live -= 1
    connection.lane = undefined
    if (connection.source) this.#admission.leave(connection.source)
    connection.source = undefined
  }

  /** Forgets sources that are of no account any more. @param now Milliseconds. */
  sweep(now: number): void {
    this.#admission.sweep(now)
  }

  /** True when the client goes on, through the lane, only to be told. */
  #tellBusy(connection: Connection, reason: CloseReason, route: Route): boolean {
    if (this.#settings.bannerTooBusy.length === 0) return turnAway(connection, reason)
    const lane = route.tls ? this.#lanes.tls : this.#lanes.plain
    // A client that found neither a place nor, behind a proxy, room for its source is in the lane once.
    if (!connection.lane) {
      if (lane.live >= lane.places) return turnAway(connection, reason)
      lane.live += 1
      connection.lane = lane
    }
    connection.laneReason = reason
    if (route.tls) return true
    connection.refuse(reason, '', this.#busyWords(route.table.defaultHost))
    return false
  }

  #busyWords(host: HostEntry | undefined): Buffer {
    return host?.handler.speaks === 'http' ? this.#busyHttp : this.#settings.bannerTooBusy
  }

  /** Passes the place of the client that waits longest on, when it has waited too long. */
  #makeRoom(places: Places | undefined, now: number): boolean {
    const longest = places?.pending.first
    if (!longest || now - longest.acceptedAt < PATIENCE_MS) return false
    longest.close('TooSlow', 'its place went to another client, as there was none left')
    // One that was refused already and takes its time to leave.
    longest.socket.destroy()
    this.#giveBackPlace(longest)
    return true
  }

  #longestWaiting(): Places | undefined {
    let longest: Places | undefined
    let since = Number.POSITIVE_INFINITY
    for (const places of this.#waiting) {
      const { first } = places.pending
      if (!first) this.#waiting.delete(places)
      else if (first.acceptedAt < since) [longest, since] = [places, first.acceptedAt]
    }
    return longest
  }

  #giveBackPlace(connection: Connection): void {
    const { places } = connection
    if (!places) return
    connection.places = undefined
    places.live -= 1
    this.#live -= 1
    this.#shared?.freed(connection.listener)
    isNotPending(connection, places)
  }
}

function isNotPending(connection: Connection, { pending }: Places): void {
  if (connection.pendingSeat) pending.delete(connection.pendingSeat)
  connection.pendingSeat = undefined
}

function turnAway(connection: Connection, reason: CloseReason): false {
  connection.refuse(reason, '')
  return false
}
