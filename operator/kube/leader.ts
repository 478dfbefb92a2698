// The rules are those of client-go's leaderelection: who holds the Lease renews it; the others watch it and take it
// when it was not renewed for its whole duration by their own clock, so that clocks need not agree.
import type { SteadyClock } from '../../sidecar/base/clock.ts'
import type { Log } from '../../sidecar/base/log.ts'
import { isRefusal } from './api-error.ts'
import { withDeadline } from './deadline.ts'
import { type KubeObject, pathOf, type Resource } from './objects.ts'
import { pause } from './pause.ts'
import type { Transport } from './transport.ts'

/** The kind of the lock. */
export const LEASES: Resource = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' }

/** A leader that could not renew for this part of the lease stops writing, well before anybody else may begin. */
const RENEW_WITHIN = 2 / 3
/** Between two tries: a part of the lease, and never more, so that a lease that was given back is found within 2 s. */
const RETRY = 2 / 15
const MOST_RETRY_MS = 1_600
const RELEASE_ATTEMPTS = 3

/** What a candidate is made of. */
export interface LeaderOptions {
  readonly transport: Transport
  readonly clock: SteadyClock
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** Unique among the candidates. */
  readonly identity: string
  /** How long the lease counts without being renewed: whole seconds, 3 or more. */
  readonly leaseSeconds: number
  /** Called when the lease is had; its signal comes when it is lost. The next try begins when it has resolved. */
  readonly lead: (lost: AbortSignal) => Promise<void>
}

interface LeaseSpec {
  readonly holderIdentity?: string | null
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string | null
  readonly renewTime?: string | null
  readonly leaseTransitions?: number
}

interface Lease extends KubeObject {
  readonly spec?: LeaseSpec
}

/** One candidate for leadership. What lasts is measured by the steady clock, for the time of day may be set. */
export class Leader {
  readonly #options: LeaderOptions
  readonly #leaseMs: number
  readonly #renewWithinMs: number
  readonly #retryMs: number
  /** For one call. */
  readonly #callMs: number
  /** The lease as last read, and when it was seen to change. */
  #seen: { readonly lease: Lease; readonly mark: string; readonly at: number } | undefined
  #renewedAt = Number.NEGATIVE_INFINITY
  #leads = false
  /** Whether the lease may be another than the one seen last: a write of it failed, or its answer was lost. */
  #isDoubtful = true

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#leaseMs = options.leaseSeconds * 1_000
    this.#renewWithinMs = Math.floor(this.#leaseMs * RENEW_WITHIN)
    this.#callMs = Math.floor(this.#renewWithinMs / 2)
    this.#retryMs = Math.min(MOST_RETRY_MS, Math.floor(this.#leaseMs * RETRY))
  }

  /** Whether this process may write now. */
  get isLeader(): boolean {
    return this.#leads && !this.#isOverdue()
  }

  /** Who leads, as far as is known; empty: nobody. */
  get holder(): string {
    return this.#seen?.lease.spec?.holderIdentity ?? ''
  }

  /** Tries to lead, leads, and tries again when the lease is lost, until the signal comes; then gives the lease back. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, identity, lead } = this.#options
    while (!signal.aborted) {
      if (!(await this.#try(signal))) {
        await pause(this.#retryMs * (0.8 + Math.random() * 0.3), signal)
        continue
      }
      log('info', 'leading', { identity })
      this.#leads = true
      const lost = new AbortController()
      const led = lead(lost.signal)
      await this.#renewUntilLost(signal)
      const isStopping = signal.aborted
      if (!isStopping) log('error', 'lease lost', { identity, holder: this.holder })
      this.#leads = false
      lost.abort(new Error('this process does not lead any more'))
      await led
      if (isStopping) await this.#release()
    }
  }

  async #renewUntilLost(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    while (!signal.aborted) {
      await pause(Math.min(this.#retryMs, this.#renewedAt + this.#renewWithinMs - clock.elapsed()), signal)
      if (signal.aborted) return
      // What is under way when time is up ends with it: nobody waits for an answer in order to stop writing.
      const leftMs = Math.max(1, Math.ceil(this.#renewedAt + this.#renewWithinMs - clock.elapsed()))
      await withDeadline(leftMs, signal, (end) => this.#try(end))
      if (this.#seen?.lease.spec?.holderIdentity !== this.#options.identity) return
      if (this.#isOverdue()) return
    }
  }

  #isOverdue(): boolean {
    return this.#options.clock.elapsed() - this.#renewedAt >= this.#renewWithinMs
  }

  /** Takes or renews the lease; whether it is had. Never throws. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { identity, clock, log } = this.#options
    // Time begins before the request: however long it takes, the lease is not believed in for longer than others do.
    const from = clock.elapsed()
    try {
      const wrote = this.#leads ? await this.#renewUnread(signal) : undefined
      if (wrote !== undefined) {
        this.#note(wrote, from)
        return true
      }
      const lease = await this.#read(signal)
      const mark = JSON.stringify(lease?.spec ?? null)
      if (lease === undefined) this.#seen = undefined
      else if (this.#seen?.mark !== mark) this.#seen = { lease, mark, at: clock.elapsed() }
      else this.#seen = { ...this.#seen, lease }
      const holder = lease?.spec?.holderIdentity ?? ''
      if (this.#seen !== undefined && holder !== '' && holder !== identity && !this.#isOver(this.#seen)) return false
      this.#isDoubtful = true
      this.#note(await this.#write(lease, this.#renewed(lease?.spec, holder), signal), from)
      return true
    } catch (error) {
      // A conflict means that another candidate was faster: the next look tells who.
      if (!signal.aborted && !isRefusal(error, 409))
        log('warn', 'lease not renewed', { error: error instanceof Error ? error.message : String(error) })
      return false
    }
  }

  /** Renews the lease as this process wrote it last; its version keeps that from harming another's. Undefined: it is not that. */
  async #renewUnread(signal: AbortSignal): Promise<Lease | undefined> {
    const lease = this.#seen?.lease
    if (lease === undefined || this.#isDoubtful) return undefined
    this.#isDoubtful = true
    try {
      return await this.#write(lease, this.#renewed(lease.spec, this.#options.identity), signal)
    } catch (error) {
      if (isRefusal(error, 409) || isRefusal(error, 404)) return undefined
      throw error
    }
  }

  #note(lease: Lease, renewedAt: number): void {
    this.#seen = { lease, mark: JSON.stringify(lease.spec), at: this.#options.clock.elapsed() }
    this.#renewedAt = renewedAt
    this.#isDoubtful = false
  }

  #isOver({ lease, at }: { readonly lease: Lease; readonly at: number }): boolean {
    const seconds = lease.spec?.leaseDurationSeconds
    return this.#options.clock.elapsed() - at >= (seconds === undefined ? this.#leaseMs : seconds * 1000)
  }

  #renewed(before: LeaseSpec | undefined, holder: string): LeaseSpec {
    const { identity, clock, leaseSeconds } = this.#options
    const now = microTime(clock.now())
    const isSame = holder === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: leaseSeconds,
      acquireTime: isSame ? (before?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isSame || before === undefined ? 0 : 1),
    }
  }

  async #read(signal?: AbortSignal): Promise<Lease | undefined> {
    const { transport, namespace, name } = this.#options
    try {
      const path = pathOf(LEASES, namespace, name)
      const timeoutMs = this.#callMs
      return (await transport.request({ method: 'GET', path, timeoutMs, ...(signal && { signal }) })) as Lease
    } catch (error) {
      if (isRefusal(error, 404)) return undefined
      throw error
    }
  }

  async #write(before: Lease | undefined, spec: LeaseSpec, signal?: AbortSignal): Promise<Lease> {
    const { transport, namespace, name } = this.#options
    const metadata = before === undefined ? { name, namespace } : { ...before.metadata, managedFields: undefined }
    return (await transport.request({
      method: before === undefined ? 'POST' : 'PUT',
      path: pathOf(LEASES, namespace, before === undefined ? undefined : name),
      body: { apiVersion: LEASES.apiVersion, kind: LEASES.kind, metadata, spec },
      timeoutMs: this.#callMs,
      ...(signal && { signal }),
    })) as Lease
  }

  /** Lets another candidate begin at once. */
  async #release(): Promise<void> {
    const { identity, clock, log } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      try {
        // A renewal that the stop has cut short may have arrived, or may yet.
        const lease = this.#isDoubtful ? await this.#read() : this.#seen?.lease
        if (lease?.spec?.holderIdentity !== identity) return
        this.#isDoubtful = true
        const now = microTime(clock.now())
        // The resource version in it keeps this from taking the lease away from somebody else.
        await this.#write(lease, { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now })
        return
      } catch (error) {
        if (isRefusal(error, 409) && attempt < RELEASE_ATTEMPTS) continue
        log('warn', 'lease not given back', { error: String(error) })
        return
      }
    }
  }
}

/** A time in the form of `MicroTime`. */
export const microTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '000Z')
