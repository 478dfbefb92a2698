import type { SocketServerSpec } from '../../crds/index.ts'
import type { LimitName } from '../engine/shared-limits.ts'
import { Admission, type SourceRefusal } from '../engine/stages/admission.ts'
import type { Source } from '../engine/stages/source.ts'
import { sharedLimits } from './limits.ts'
import type { Adopted } from './protocol.ts'

/** Places granted in advance: a part of the limit for each worker, and at the most. */
const BATCH = { part: 1 / 8, most: 32 } as const

/** A worker as the broker knows it. */
interface Holder {
  readonly granted: Map<LimitName, number>
  readonly entries: Map<number, Source>
}

/** What a broker is made of. */
export interface BrokerOptions<Worker> {
  readonly spec: SocketServerSpec
  /** Takes back what lies idle at a worker; 0 when it does not answer. */
  readonly recall: (worker: Worker, limit: LimitName) => Promise<number>
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number
}

/**
 * Keeps limits over several workers exactly: the places of a limit are given to workers in advance, and taken back from
 * where they lie idle before anybody is refused.
 */
export class Broker<Worker> {
  readonly #options: BrokerOptions<Worker>
  readonly #holders = new Map<Worker, Holder>()
  #limits: ReadonlyMap<LimitName, number>
  #admission: Admission
  /** One question per limit at a time, so that two workers do not take turns in taking from each other. */
  readonly #turns = new Map<LimitName, Promise<unknown>>()

  constructor(options: BrokerOptions<Worker>) {
    this.#options = options
    this.#limits = sharedLimits(options.spec)
    this.#admission = new Admission(admissionLimits(options.spec))
  }

  /** Goes by other limits from here on; clients inside stay, also when they are too many. */
  configure(spec: SocketServerSpec): void {
    this.#limits = sharedLimits(spec)
    this.#admission = new Admission(admissionLimits(spec), this.#admission)
  }

  joined(worker: Worker): void {
    this.#holders.set(worker, { granted: new Map(), entries: new Map() })
  }

  /**
   * A worker goes by the limits of `spec` from now on: it forgot what it held of others.
   * @param adopted Places that its clients hold of limits that are new.
   */
  moved(worker: Worker, spec: SocketServerSpec, adopted: Adopted): void {
    const limits = sharedLimits(spec)
    const granted = this.#holders.get(worker)?.granted
    for (const limit of [...(granted?.keys() ?? [])]) if (!limits.has(limit)) granted?.delete(limit)
    for (const [limit, count] of adopted) this.#grant(worker, limit, count)
  }

  /** A worker is gone, and with it everything it held. */
  left(worker: Worker): void {
    for (const source of this.#holders.get(worker)?.entries.values() ?? []) this.#admission.leave(source)
    this.#holders.delete(worker)
  }

  /** Grants places to a worker, as many as it wants, or more, or as many as there are. */
  lease(worker: Worker, limit: LimitName, wanted: number): Promise<number> {
    const before = this.#turns.get(limit) ?? Promise.resolve()
    const turn = before.then(() => this.#lease(worker, limit, wanted))
    this.#turns.set(limit, turn)
    return turn
  }

  giveBack(worker: Worker, limit: LimitName, places: number): void {
    this.#grant(worker, limit, -places)
  }

  /** Takes back everything that lies idle, after limits were lowered. */
  async recallAll(): Promise<void> {
    await Promise.all([...this.#limits.keys()].map((limit) => this.#recall(limit, undefined)))
  }

  enter(worker: Worker, entry: number, address: string): SourceRefusal | undefined {
    const found = this.#admission.enter(address, this.#options.now())
    if ('reason' in found) return found
    this.#holders.get(worker)?.entries.set(entry, found)
    return undefined
  }

  leave(worker: Worker, entry: number): void {
    const entries = this.#holders.get(worker)?.entries
    const source = entries?.get(entry)
    if (!source) return
    entries?.delete(entry)
    this.#admission.leave(source)
  }

  /** Forgets sources that are of no account any more. Called now and then. */
  sweep(): void {
    this.#admission.sweep(this.#options.now())
  }

  async #lease(worker: Worker, limit: LimitName, wanted: number): Promise<number> {
    // A worker that does not know yet that the limit is gone.
    const most = this.#limits.get(limit)
    if (most === undefined) return wanted
    if (this.#free(limit) < wanted) await this.#recall(limit, worker)
    const free = this.#free(limit)
    const batch = Math.max(1, Math.min(BATCH.most, Math.floor((most * BATCH.part) / Math.max(1, this.#holders.size))))
    // Towards the end nobody gets more than is wanted.
    const places = Math.max(0, Math.min(free, free > 2 * batch ? Math.max(wanted, batch) : wanted))
    this.#grant(worker, limit, places)
    return places
  }

  async #recall(limit: LimitName, except: Worker | undefined): Promise<void> {
    await Promise.all(
      [...this.#holders].map(async ([worker, { granted }]) => {
        if (worker === except || (granted.get(limit) ?? 0) === 0) return
        this.#grant(worker, limit, -(await this.#options.recall(worker, limit)))
      }),
    )
  }

  #free(limit: LimitName): number {
    let granted = 0
    for (const holder of this.#holders.values()) granted += holder.granted.get(limit) ?? 0
    return Math.max(0, (this.#limits.get(limit) ?? 0) - granted)
  }

  #grant(worker: Worker, limit: LimitName, places: number): void {
    const holder = this.#holders.get(worker)
    if (holder) holder.granted.set(limit, (holder.granted.get(limit) ?? 0) + places)
  }
}

function admissionLimits({ maxClientsPerSource, access: { acceptRatePerSource } }: SocketServerSpec) {
  const { perSecond, burst } = acceptRatePerSource
  return {
    maxClients: 0,
    maxClientsPerSource,
    acceptRatePerSource: { perSecond, burst: burst === 0 ? perSecond : burst },
    allow: [],
    deny: [],
  }
}
