import type net from 'node:net'
import { addressList, holds } from '../address-list.ts'
import type { CloseReason } from '../close-reason.ts'

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

/** What a source is known for, kept while it has clients or its rate has not recovered. */
interface Source {
  clients: number
  /** Tokens of the bucket at `at`. */
  tokens: number
  at: number
}

/** Sources remembered at the most: a flood from made-up addresses costs memory up to here and no further. */
const MAX_SOURCES = 100_000

/**
 * Decides who enters. A place is taken at accept and given back at the close, so a client that is slow in its handshake
 * holds one; a source is counted apart, because behind a proxy it is known only after the PROXY protocol header.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #allow: net.BlockList | undefined
  readonly #deny: net.BlockList | undefined
  readonly #countsSources: boolean
  readonly #sources: Map<string, Source>

  /** @param before The admission this one replaces: its sources stay counted. */
  constructor(limits: AdmissionLimits, before?: Admission) {
    this.#limits = limits
    this.#allow = addressList(limits.allow)
    this.#deny = addressList(limits.deny)
    this.#countsSources = limits.maxClientsPerSource > 0 || limits.acceptRatePerSource.perSecond > 0
    this.#sources = before ? before.#sources : new Map()
  }

  /** Whether one more client finds a place, beside `live` of all listeners. */
  hasPlace(live: number): boolean {
    return this.#limits.maxClients === 0 || live < this.#limits.maxClients
  }

  /** Why a client of `address` is turned away at once, without a word; undefined when it is not. */
  isDenied(address: string): CloseReason | undefined {
    if (this.#deny && holds(this.#deny, address)) return 'Denied'
    return this.#allow && !holds(this.#allow, address) ? 'Denied' : undefined
  }

  /**
   * Counts a client of `address`, or tells why it may not enter. Every counted client is given back by `leave`.
   * @param now Milliseconds.
   */
  enter(address: string, now: number): CloseReason | undefined {
    if (!this.#countsSources) return undefined
    const { maxClientsPerSource, acceptRatePerSource } = this.#limits
    const key = sourceOf(address)
    const source = this.#sources.get(key) ?? this.#remember(key, now)
    if (acceptRatePerSource.perSecond > 0) {
      const burst = Math.max(acceptRatePerSource.burst, 1)
      source.tokens = Math.min(burst, source.tokens + ((now - source.at) / 1000) * acceptRatePerSource.perSecond)
      source.at = now
      if (source.tokens < 1) return 'TooFast'
      source.tokens -= 1
    }
    if (maxClientsPerSource > 0 && source.clients >= maxClientsPerSource) return 'TooManyFromSource'
    source.clients += 1
    return undefined
  }

  /** Gives back a client that `enter` counted. */
  leave(address: string): void {
    const key = sourceOf(address)
    const source = this.#sources.get(key)
    if (!source) return
    source.clients = Math.max(0, source.clients - 1)
    if (source.clients === 0 && this.#limits.acceptRatePerSource.perSecond === 0) this.#sources.delete(key)
  }

  /** Forgets sources that have no client and whose rate has recovered. Called now and then. */
  sweep(now: number): void {
    const { perSecond, burst } = this.#limits.acceptRatePerSource
    const recoveryMs = perSecond > 0 ? (Math.max(burst, 1) / perSecond) * 1000 : 0
    for (const [key, source] of this.#sources)
      if (source.clients === 0 && now - source.at >= recoveryMs) this.#sources.delete(key)
  }

  #remember(key: string, now: number): Source {
    if (this.#sources.size >= MAX_SOURCES) this.#forgetOne()
    const source = { clients: 0, tokens: Math.max(this.#limits.acceptRatePerSource.burst, 1), at: now }
    this.#sources.set(key, source)
    return source
  }

  /** The oldest source without a client; a map keeps the order of insertion. */
  #forgetOne(): void {
    for (const [key, source] of this.#sources)
      if (source.clients === 0) {
        this.#sources.delete(key)
        return
      }
  }
}

/** What counts as one source: an IPv4 address, or the /64 that a network gives one customer (RFC 6177). */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined || before.length >= 4) return before.slice(0, 4).map(shortGroup).join(':')
  const after = tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).map(shortGroup).join(':')
}

const shortGroup = (group: string) => group.replace(/^0+(?=.)/, '').toLowerCase()
