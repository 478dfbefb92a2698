// The rules are those of client-go's leaderelection: who holds the Lease renews it; the others watch it and take it
// when it was not renewed for its whole duration by their own clock, so that clocks need not agree.
import type { Clock } from '../../sidecar/base/clock.ts'
import type { Log } from '../../sidecar/base/log.ts'
import { isRefusal } from './api-error.ts'
import { type KubeObject, pathOf, type Resource } from './objects.ts'
import { pause } from './pause.ts'
import type { Transport } from './transport.ts'

/** The kind of the lock. */
export const LEASES: Resource = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' }

/** How long a lease counts without being renewed. With the retries a standby takes over within 15 s of a kill. */
const LEASE_MS = 12_000
/** A leader that could not renew for so long stops writing, well before anybody else may begin. */
const RENEW_WITHIN_MS = 8_000
/** Between two tries; a lease that was given back is found within 2 s. */
const RETRY_MS = 1_600

/** What a candidate is made of. */
export interface LeaderOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** Unique among the candidates. */
  readonly identity: string
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

/** One candidate for leadership. */
export class Leader {
  readonly #options: LeaderOptions
  /** The lease as last read, and when it was seen to change. */
  #seen: { readonly lease: Lease; readonly mark: string; readonly at: number } | undefined
  #renewedAt = Number.NEGATIVE_INFINITY
  #leads = false

  constructor(options: LeaderOptions) {
    this.#options = options
  }

  /** Whether this process may write now. */
  get isLeader(): boolean {
    return this.#leads && this.#options.clock.now() - this.#renewedAt < RENEW_WITHIN_MS
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
        await pause(RETRY_MS * (0.8 + Math.random() * 0.3), signal)
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
      await pause(Math.min(RETRY_MS, this.#renewedAt + RENEW_WITHIN_MS - clock.now()), signal)
      if (signal.aborted) return
      await this.#try(signal)
      if (this.#seen?.lease.spec?.holderIdentity !== this.#options.identity) return
      if (clock.now() - this.#renewedAt >= RENEW_WITHIN_MS) return
    }
  }

  /** Takes or renews the lease; whether it is had. Never throws. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { identity, clock, log } = this.#options
    // Time begins before the request: however long it takes, the lease is not believed in for longer than others do.
    const from = clock.now()
    try {
      const lease = await this.#read(signal)
      const mark = JSON.stringify(lease?.spec ?? null)
      if (lease === undefined) this.#seen = undefined
      else if (this.#seen?.mark !== mark) this.#seen = { lease, mark, at: clock.now() }
      else this.#seen = { ...this.#seen, lease }
      const holder = lease?.spec?.holderIdentity ?? ''
      if (this.#seen !== undefined && holder !== '' && holder !== identity && !this.#isOver(this.#seen)) return false
      const written = await this.#write(lease, this.#renewed(lease?.spec, holder), signal)
      this.#seen = { lease: written, mark: JSON.stringify(written.spec), at: clock.now() }
      this.#renewedAt = from
      return true
    } catch (error) {
      // A conflict means that another candidate was faster: the next look tells who.
      if (!signal.aborted && !isRefusal(error, 409))
        log('warn', 'lease not renewed', { error: error instanceof Error ? error.message : String(error) })
      return false
    }
  }

  #isOver({ lease, at }: { readonly lease: Lease; readonly at: number }): boolean {
    const seconds = lease.spec?.leaseDurationSeconds
    return this.#options.clock.now() - at >= (seconds === undefined ? LEASE_MS : seconds * 1000)
  }

  #renewed(before: LeaseSpec | undefined, holder: string): LeaseSpec {
    const { identity, clock } = this.#options
    const now = microTime(clock.now())
    const isSame = holder === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_MS / 1000,
      acquireTime: isSame ? (before?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isSame || before === undefined ? 0 : 1),
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { transport, namespace, name } = this.#options
    try {
      const path = pathOf(LEASES, namespace, name)
      return (await transport.request({ method: 'GET', path, timeoutMs: RENEW_WITHIN_MS / 2, signal })) as Lease
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
      timeoutMs: RENEW_WITHIN_MS / 2,
      ...(signal === undefined ? {} : { signal }),
    })) as Lease
  }

  /** Lets another candidate begin at once. */
  async #release(): Promise<void> {
    const lease = this.#seen?.lease
    if (lease?.spec?.holderIdentity !== this.#options.identity) return
    const now = microTime(this.#options.clock.now())
    try {
      // The resource version in it keeps this from taking the lease away from somebody else.
      await this.#write(lease, { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now })
    } catch (error) {
      this.#options.log('warn', 'lease not given back', { error: String(error) })
    }
  }
}

/** A time in the form of `MicroTime`. */
export const microTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('Z', '000Z')
