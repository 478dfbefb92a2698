import type net from 'node:net'
import { addressList, holds } from '../address-list.ts'
import { type Source, sourceOf } from './source.ts'

/** Who and how many may enter; 0 means no limit. */
export interface AdmissionLimits {
  /** Clients at once over all listeners. */
  readonly maxClients: number
  /** Clients at once from one source: an IPv4 address, or an IPv6 /64. */
  readonly maxClientsPerSource: number
  /** Clients per second from one source, and how many may come at once before that counts. */
  readonly acceptRatePerSource: { readonly perSecond: number; readonly burst: number }
  /** IP literals and CIDRs; when there are any, nobody else enters. */
  readonly allow: readonly string[]
  /** IP literals and CIDRs that never enter, whatever `allow` says. */
  readonly deny: readonly string[]
}

/** Why a source gets no more clients in. */
export interface SourceRefusal {
  readonly reason: 'TooFast' | 'TooManyFromSource'
  /** Whether the client is told: always, save that one too fast on TLS is told once a second, as a handshake is what its limit is to save. */
  readonly isDueToBeTold: boolean
}

/** Sources without clients that are remembered at the most: a flood from made-up addresses costs memory up to here and no further. */
const MAX_RESTING = 100_000

/** Milliseconds between two clients of one source that are told that they came too fast. */
const TELL_MS = 1_000

/**
 * Decides who enters. A source with clients is known by them; one without is remembered until its rate has recovered,
 * in the order in which they were left, so that forgetting looks at none that is to stay.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #allow: net.BlockList | undefined
  readonly #deny: net.BlockList | undefined
  readonly #active: Map<string, Source>
  readonly #resting: Map<string, Source>

  /** @param before The admission this one replaces: its sources stay counted. */
  constructor(limits: AdmissionLimits, before?: Admission) {
    this.#limits = limits
    this.#allow = addressList(limits.allow)
    this.#deny = addressList(limits.deny)
    this.#active = before ? before.#active : new Map()
    this.#resting = before ? before.#resting : new Map()
  }

  /** Sources that are remembered. */
  get sources(): number {
    return this.#active.size + this.#resting.size
  }

  /** Whether one more client finds a place, beside `live` of all listeners. */
  hasPlace(live: number): boolean {
    return this.#limits.maxClients === 0 || live < this.#limits.maxClients
  }

  /** Whether a client of `address` is kept out, without a word. */
  isDenied(address: string): boolean {
    if (this.#deny && holds(this.#deny, address)) return true
    return this.#allow !== undefined && !holds(this.#allow, address)
  }

  /**
   * Counts a client of `address`, or tells why it may not enter. A counted client is given back by `leave`.
   * @param now Milliseconds.
   */
  enter(address: string, now: number): Source | SourceRefusal {
    const { maxClientsPerSource, acceptRatePerSource } = this.#limits
    const key = sourceOf(address)
    const source = this.#active.get(key) ?? this.#wake(key, now)
    if (acceptRatePerSource.perSecond > 0 && !this.#takeToken(source, now)) {
      const isDueToBeTold = now - source.toldAt >= TELL_MS
      if (isDueToBeTold) source.toldAt = now
      this.#rest(source)
      return { reason: 'TooFast', isDueToBeTold }
    }
    if (maxClientsPerSource > 0 && source.clients >= maxClientsPerSource) {
      this.#rest(source)
      return { reason: 'TooManyFromSource', isDueToBeTold: true }
    }
    source.clients += 1
    return source
  }

  /** Gives back a client that `enter` counted. */
  leave(source: Source): void {
    source.clients -= 1
    this.#rest(source)
  }

  /** Forgets the sources whose rate has recovered. Called now and then. @param now Milliseconds. */
  sweep(now: number): void {
    const recoveryMs = this.#recoveryMs()
    for (const [key, source] of this.#resting) {
      if (now - source.at < recoveryMs) return
      this.#resting.delete(key)
    }
  }

  /** Takes one connection out of what the source may open, which grows by `perSecond` up to `burst`. */
  #takeToken(source: Source, now: number): boolean {
    const { perSecond } = this.#limits.acceptRatePerSource
    source.tokens = Math.min(this.#burst(), source.tokens + ((now - source.at) / 1000) * perSecond)
    source.at = now
    if (source.tokens < 1) return false
    source.tokens -= 1
    return true
  }

  #burst(): number {
    return Math.max(this.#limits.acceptRatePerSource.burst, 1)
  }

  /** Milliseconds after which a source may open as many connections at once as an unknown one. */
  #recoveryMs(): number {
    const { perSecond } = this.#limits.acceptRatePerSource
    return perSecond > 0 ? (this.#burst() / perSecond) * 1000 : 0
  }

  /** A source among those with clients; `#rest` puts it back when none comes in. */
  #wake(key: string, now: number): Source {
    const known = this.#resting.get(key)
    this.#resting.delete(key)
    const source = known ?? {
      ...{ key, clients: 0, tokens: this.#burst(), at: now },
      toldAt: Number.NEGATIVE_INFINITY,
    }
    this.#active.set(key, source)
    return source
  }

  /** Keeps a source that has no client for as long as its rate matters. */
  #rest(source: Source): void {
    if (source.clients > 0) return
    this.#active.delete(source.key)
    if (this.#limits.acceptRatePerSource.perSecond === 0) return
    if (this.#resting.size >= MAX_RESTING) this.#resting.delete(this.#resting.keys().next().value ?? '')
    this.#resting.set(source.key, source)
  }
}
