import type { SocketServerSpec } from '../../crds/index.ts'
import type { LimitName, SharedLimits } from '../engine/shared-limits.ts'
import type { SourceRefusal } from '../engine/stages/admission.ts'
import type { Channel } from './channel.ts'
import { countsSources, sharedLimits } from './limits.ts'
import type { Adopted, SupervisorMethods } from './protocol.ts'

/** Idle places a worker keeps at the most, as a part of the limit and in number. */
const KEPT = { part: 1 / 64, most: 32 } as const

const TOO_BUSY: SourceRefusal = { reason: 'TooManyFromSource', isDueToBeTold: true }

/**
 * A worker's side of the limits over all workers: places are held in advance, and more are asked for when none is left.
 *
 * Invariants: a client takes a place that is held, or the limit was lowered under it; what is held and not used can be
 * taken back at any moment between two clients.
 */
export class LeasedLimits implements SharedLimits {
  readonly #supervisor: Channel<SupervisorMethods>
  #limits: ReadonlyMap<LimitName, number> = new Map()
  readonly #held = new Map<LimitName, number>()
  readonly #used = new Map<LimitName, number>()
  readonly #waiting = new Map<LimitName, number>()
  /** Limits that are new or changed: more may be held than there is, so nothing that is freed is kept. */
  readonly #changed = new Set<LimitName>()
  readonly #asking = new Map<LimitName, Promise<number>>()
  #countsSources = false
  #entries = 0

  constructor(supervisor: Channel<SupervisorMethods>) {
    this.#supervisor = supervisor
  }

  get countsSources(): boolean {
    return this.#countsSources
  }

  /**
   * Goes by the limits of a manifest. Clients that a new limit finds inside hold its places: their numbers are returned.
   * What is held of limits that are gone is kept until {@link settle}, as the change may fail.
   */
  configure(spec: SocketServerSpec): Adopted {
    const limits = sharedLimits(spec)
    for (const [limit, most] of limits) if (this.#limits.get(limit) !== most) this.#changed.add(limit)
    const adopted = new Map<LimitName, number>()
    for (const limit of limits.keys())
      if (!this.#limits.has(limit)) {
        const held = this.#held.get(limit) ?? 0
        const more = Math.max(0, (this.#used.get(limit) ?? 0) - held)
        adopted.set(limit, more)
        this.#held.set(limit, held + more)
      }
    this.#limits = limits
    this.#countsSources = countsSources(spec)
    return adopted
  }

  /** The limits are in service: places of others are forgotten. */
  settle(): void {
    for (const limit of [...this.#held.keys()]) if (!this.#limits.has(limit)) this.#held.delete(limit)
  }

  isFull(limit: LimitName): boolean {
    return this.#limits.has(limit) && (this.#used.get(limit) ?? 0) >= (this.#held.get(limit) ?? 0)
  }

  async obtain(listener: LimitName): Promise<boolean> {
    const limit = this.isFull(listener) ? listener : ''
    this.#waiting.set(limit, (this.#waiting.get(limit) ?? 0) + 1)
    const granted = await this.#ask(limit)
    this.#waiting.set(limit, (this.#waiting.get(limit) ?? 1) - 1)
    return granted > 0
  }

  taken(listener: LimitName): void {
    this.#use('', 1)
    this.#use(listener, 1)
  }

  freed(listener: LimitName): void {
    for (const limit of ['', listener]) {
      this.#use(limit, -1)
      const most = this.#limits.get(limit)
      if (most === undefined) continue
      const kept = this.#changed.has(limit) ? 0 : Math.max(1, Math.min(KEPT.most, Math.floor(most * KEPT.part)))
      const idle = this.#idle(limit)
      if (idle > 2 * kept) this.#supervisor.tell('giveBack', limit, this.#shrink(limit, idle - kept))
    }
  }

  /** Takes back the idle places of a limit; returns their number. */
  recall(limit: LimitName): number {
    return this.#shrink(limit, this.#idle(limit))
  }

  async enter(address: string): Promise<number | SourceRefusal> {
    this.#entries += 1
    const entry = this.#entries
    return (await this.#supervisor.call('enter', entry, address).catch(() => TOO_BUSY)) ?? entry
  }

  leave(entry: number): void {
    this.#supervisor.tell('leave', entry)
  }

  /** One question at a time: who comes meanwhile waits for the same answer. Resolves with what was granted. */
  #ask(limit: LimitName): Promise<number> {
    const known = this.#asking.get(limit)
    if (known) return known
    const asking = this.#supervisor
      .call('lease', limit, this.#waiting.get(limit) ?? 1)
      .catch(() => 0)
      .then((granted) => {
        this.#asking.delete(limit)
        // Who is given places is given those that there are.
        if (granted > 0) this.#changed.delete(limit)
        const held = this.#held.get(limit)
        if (held !== undefined) this.#held.set(limit, held + granted)
        return granted
      })
    this.#asking.set(limit, asking)
    return asking
  }

  #use(limit: LimitName, places: number): void {
    this.#used.set(limit, (this.#used.get(limit) ?? 0) + places)
  }

  #idle(limit: LimitName): number {
    return Math.max(0, (this.#held.get(limit) ?? 0) - (this.#used.get(limit) ?? 0))
  }

  #shrink(limit: LimitName, places: number): number {
    const held = this.#held.get(limit)
    if (held === undefined) return 0
    this.#held.set(limit, held - places)
    return places
  }
}
