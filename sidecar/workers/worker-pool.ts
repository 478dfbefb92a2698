import { randomBytes } from 'node:crypto'
import type { IcsHostStatus, SocketServer, UnresolvedRef } from '../../crds/index.ts'
import type { SteadyClock } from '../base/clock.ts'
import { SocketServerError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { ThrowawayCertificates } from '../certificates/self-signed.ts'
import type { Counts } from '../control/admin/counts.ts'
import type { DelayCounts } from '../control/admin/event-loop-delay.ts'
import type { HostReport } from '../control/host-report.ts'
import type { LogFormat } from '../control/log-line.ts'
import type { BackendState, ServerView } from '../control/server-view.ts'
import type { ClientState, ListenState, LiveTraffic } from '../engine/ports.ts'
import type { LimitName } from '../engine/shared-limits.ts'
import { Broker } from './broker.ts'
import { ChannelClosedError } from './channel.ts'
import { inTime } from './in-time.ts'
import { mergeBackends, mergeDelays, mergeListenStates, mergeTraffic } from './merge.ts'
import type { SupervisorMethods, WorkerSetup, WorkerView } from './protocol.ts'
import { Spare } from './spare.ts'
import { WorkerProcess } from './worker-process.ts'

/** Milliseconds between a worker's end and its replacement, when it lived no longer than `short`: doubled up to the last. */
const RETRY_MS = { short: 5_000, first: 100, last: 5_000 } as const
/** Milliseconds all workers have to end when they are to. */
const END_MS = 3_000
/** Milliseconds between two sweeps of what is remembered of sources. */
const SWEEP_MS = 5_000

/** What a pool is made of. */
export interface WorkerPoolOptions {
  readonly workers: number
  readonly manifest: SocketServer
  readonly secretsDir: string
  readonly configMapsDir: string
  readonly selfSigned: boolean
  readonly logFormat: LogFormat
  readonly log: Log
  /** Takes whole lines of the workers' logs. */
  readonly wrote: (lines: string) => void
  readonly clock: SteadyClock
  /** Gets the counts of all workers with every refresh. */
  readonly counts: Counts
}

/** One worker, in numbers. */
export interface WorkerFacts {
  readonly slot: number
  readonly cpuSeconds: number
  readonly residentBytes: number
}

/**
 * A manifest in service in several processes that share its ports: each serves whole clients by itself, and what is to
 * hold over all (limits, ticket secrets, the throwaway CA, which manifest) is kept here. No client passes through.
 *
 * What is seen of the server is as of the last {@link refresh}.
 */
export class WorkerPool implements ServerView {
  readonly #options: WorkerPoolOptions
  readonly #broker: Broker<WorkerProcess>
  readonly #throwaway: ThrowawayCertificates
  readonly #workers = new Map<number, WorkerProcess>()
  readonly #sweep: NodeJS.Timeout
  #manifest: SocketServer
  #ticketSecrets: readonly Buffer[] = [randomBytes(32)]
  #incarnations = 0
  readonly #spare = new Spare(() => this.#fork())
  #shortLives = 0
  #restarts = 0
  #isClosed = false
  #hosts: readonly IcsHostStatus[] = []
  #certificates: readonly HostReport[] = []
  #unresolved: readonly UnresolvedRef[] = []
  /** The change being applied; the next one waits for it. */
  #applying: Promise<unknown> = Promise.resolve()
  /** What was counted by workers that are gone. */
  readonly #past: Counts
  #pastDropped = 0

  constructor(options: WorkerPoolOptions, past: Counts) {
    this.#options = options
    this.#past = past
    this.#manifest = options.manifest
    this.#throwaway = new ThrowawayCertificates(options.clock, options.log)
    this.#broker = new Broker<WorkerProcess>({
      spec: options.manifest.spec,
      recall: (worker, limit) => inTime(worker.channel.call('recall', limit), 0),
      now: () => options.clock.elapsed(),
    })
    this.#sweep = setInterval(() => this.#broker.sweep(), SWEEP_MS)
    this.#sweep.unref()
  }

  /** @throws {SocketServerError} `SS_CANNOT_LISTEN` under `AllOrNothing` when a listener cannot listen. */
  async start(): Promise<void> {
    // The first one decides whether the manifest can be served; the others share its ports.
    await this.#launch(0)
    await Promise.all(Array.from({ length: this.#options.workers - 1 }, (_, at) => this.#launch(at + 1)))
    await this.refresh()
    this.#spare.makeLater()
  }

  /**
   * Moves every worker to another manifest; it counts as taken when all of them serve it.
   * @throws {SocketServerError} When one of them cannot; the manifest before it goes on in all.
   */
  apply(manifest: SocketServer): Promise<void> {
    const applied = this.#applying.then(() => (this.#isClosed ? undefined : this.#apply(manifest)))
    this.#applying = applied.catch(() => {})
    return applied
  }

  get clientCount(): number {
    return this.#views().reduce((sum, view) => sum + view.clientCount, 0)
  }

  get selfSignedCa(): string | undefined {
    return this.#options.selfSigned ? this.#throwaway.caPath : undefined
  }

  listenStates(): readonly ListenState[] {
    const states = mergeListenStates(this.#views())
    if (states.length > 0) return states
    return this.#manifest.spec.listeners.map(({ name, address, port, socketFamily, tls }) => {
      return { name, state: 'Closed', address, port, socketFamily, tls, clients: 0, error: 'no worker serves' }
    })
  }

  hosts(): readonly IcsHostStatus[] {
    return this.#hosts
  }

  certificates(): readonly HostReport[] {
    return this.#certificates
  }

  unresolved(): readonly UnresolvedRef[] {
    return this.#unresolved
  }

  backends(): readonly BackendState[] {
    return mergeBackends(this.#views())
  }

  liveTraffic(): readonly LiveTraffic[] {
    return mergeTraffic(this.#views())
  }

  /** Log lines that workers gave up. */
  get droppedLines(): number {
    return this.#views().reduce((sum, view) => sum + view.droppedLines, this.#pastDropped)
  }

  /** How late the event loops of the workers were, with those of `own`. */
  eventLoop(own: DelayCounts): DelayCounts {
    return mergeDelays([own, ...this.#views().map((view) => view.eventLoop)])
  }

  /** Workers that serve now, and how many were replaced. */
  facts(): { readonly workers: readonly WorkerFacts[]; readonly restarts: number } {
    const workers = this.#serving().flatMap(({ slot, view }) => {
      return view ? [{ slot, cpuSeconds: view.cpuSeconds, residentBytes: view.residentBytes }] : []
    })
    return { workers, restarts: this.#restarts }
  }

  /** Asks all workers what can be seen of them; one that does not answer in time is seen as it was. */
  async refresh(): Promise<void> {
    const serving = this.#serving()
    const asked = serving.map(async (worker) => {
      const view = await inTime(worker.channel.call('view'), undefined)
      if (view) {
        worker.view = view
        worker.counts = view.counts
      }
    })
    const [first] = serving
    const told = first && inTime(first.channel.call('hosts'), undefined)
    await Promise.all([...asked, told])
    const hosts = await told
    if (hosts) {
      this.#hosts = hosts.hosts
      this.#certificates = hosts.certificates
      this.#unresolved = hosts.unresolved
    }
    const { counts } = this.#options
    counts.clear()
    counts.add(this.#past.snapshot())
    for (const worker of this.#serving()) if (worker.counts) counts.add(worker.counts)
  }

  async clients(): Promise<readonly ClientState[]> {
    return (await this.#everyone((worker) => worker.channel.call('clients'))).flat()
  }

  async disconnectAll(clientIds: readonly string[]): Promise<readonly string[]> {
    return (await this.#everyone((worker) => worker.channel.call('disconnectAll', clientIds))).flat()
  }

  useTicketSecrets(secrets: readonly Buffer[]): void {
    this.#ticketSecrets = secrets
    for (const worker of this.#workers.values()) worker.channel.tell('useTicketSecrets', secrets)
  }

  async recheck(): Promise<void> {
    await this.#everyone((worker) => worker.channel.call('recheck'))
  }

  /** Stops listening; clients go on. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#everyone((worker) => worker.channel.call('close'))
  }

  /** Stops listening, waits at most `milliseconds` for the clients, then closes the rest. */
  async drain(milliseconds: number): Promise<void> {
    this.#isClosed = true
    await this.#everyone((worker) => worker.channel.call('drain', milliseconds))
  }

  /** Closes every client and ends every worker. */
  abort(): void {
    this.#isClosed = true
    clearInterval(this.#sweep)
    this.#spare.close()
    for (const worker of this.#workers.values()) worker.channel.tell('abort')
  }

  /** Resolves when every worker is gone, after {@link abort}; one that does not end is killed. */
  async gone(): Promise<void> {
    const workers = [...this.#workers.values()]
    const timer = setTimeout(() => {
      for (const worker of workers) worker.kill()
    }, END_MS)
    await Promise.all(workers.map((worker) => worker.gone))
    clearTimeout(timer)
    this.#throwaway.close()
  }

  #serving(): readonly WorkerProcess[] {
    return [...this.#workers.values()]
      .filter((worker) => worker.running !== undefined)
      .sort((one, other) => one.slot - other.slot)
  }

  #views(): readonly WorkerView[] {
    return this.#serving().flatMap(({ view }) => view ?? [])
  }

  async #everyone<Value>(ask: (worker: WorkerProcess) => Promise<Value>): Promise<readonly Value[]> {
    const answers = await Promise.allSettled(this.#serving().map(ask))
    return answers.flatMap((answer) => {
      if (answer.status === 'fulfilled') return [answer.value]
      if (answer.reason instanceof ChannelClosedError) return []
      throw answer.reason
    })
  }

  async #apply(manifest: SocketServer): Promise<void> {
    const before = this.#manifest
    const [first, ...others] = this.#serving()
    if (first === undefined)
      throw new SocketServerError('SS_FAILED', 'no worker serves at this moment', { hint: 'look at the log for why' })
    const moved: WorkerProcess[] = []
    const move = async (worker: WorkerProcess) => {
      try {
        await this.#move(worker, manifest)
        moved.push(worker)
      } catch (error) {
        // Its replacement serves what is in service by then.
        if (!(error instanceof ChannelClosedError)) throw error
      }
    }
    this.#broker.configure(manifest.spec)
    try {
      await move(first)
      const results = await Promise.allSettled(others.map(move))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    } catch (error) {
      this.#broker.configure(before.spec)
      await Promise.allSettled(moved.map((worker) => this.#move(worker, before)))
      throw error
    }
    this.#manifest = manifest
    for (const worker of this.#serving()) if (worker.running !== manifest) await move(worker)
    await this.#broker.recallAll()
    await this.refresh()
  }

  async #move(worker: WorkerProcess, manifest: SocketServer): Promise<void> {
    const adopted = await worker.channel.call('apply', manifest)
    worker.running = manifest
    this.#broker.moved(worker, manifest.spec, adopted)
  }

  async #launch(slot: number): Promise<void> {
    const { secretsDir, configMapsDir, logFormat, selfSigned, log } = this.#options
    const worker = this.#spare.take() ?? this.#fork()
    worker.slot = slot
    worker.startedAt = performance.now()
    this.#workers.set(slot, worker)
    this.#broker.joined(worker)
    const manifest = this.#manifest
    const setup: WorkerSetup = {
      incarnation: worker.incarnation,
      isSpokesman: slot === 0,
      manifest,
      secretsDir,
      configMapsDir,
      selfSigned: (selfSigned && this.#throwaway.share()) || false,
      logFormat,
      ticketSecrets: this.#ticketSecrets,
    }
    const adopted = await worker.channel.call('start', setup)
    this.#broker.moved(worker, manifest.spec, adopted)
    worker.running = manifest
    worker.view = await inTime(worker.channel.call('view'), undefined)
    log('info', 'worker started', { worker: slot, pid: worker.pid })
    if (this.#restarts > 0) this.#spare.makeLater()
    // A change may have come meanwhile.
    if (worker.running !== this.#manifest) await this.apply(this.#manifest)
  }

  #fork(): WorkerProcess {
    this.#incarnations += 1
    const worker = new WorkerProcess(this.#incarnations, {
      wrote: this.#options.wrote,
      ended: (cause) => this.#ended(worker, cause),
    })
    worker.channel.serve(this.#methodsFor(worker))
    return worker
  }

  #methodsFor(worker: WorkerProcess): SupervisorMethods {
    return {
      lease: (limit: LimitName, wanted) => this.#broker.lease(worker, limit, wanted),
      giveBack: (limit, places) => this.#broker.giveBack(worker, limit, places),
      enter: (entry, address) => this.#broker.enter(worker, entry, address),
      leave: (entry) => this.#broker.leave(worker, entry),
      counted(counts) {
        worker.counts = counts
      },
    }
  }

  #ended(worker: WorkerProcess, cause: string): void {
    this.#spare.ended(worker)
    if (worker.slot < 0) return
    const hasServed = worker.running !== undefined
    worker.running = undefined
    this.#broker.left(worker)
    if (worker.counts) this.#past.add(worker.counts)
    this.#pastDropped += worker.view?.droppedLines ?? 0
    if (this.#workers.get(worker.slot) === worker) this.#workers.delete(worker.slot)
    // One that fails at the start is told by its error.
    if (this.#isClosed || (!hasServed && this.#restarts === 0)) return
    this.#options.log('error', 'worker ended', { worker: worker.slot, pid: worker.pid, cause })
    const lived = performance.now() - worker.startedAt
    this.#shortLives = lived < RETRY_MS.short ? this.#shortLives + 1 : 0
    const delay = this.#shortLives < 2 ? 0 : Math.min(RETRY_MS.first * 2 ** this.#shortLives, RETRY_MS.last)
    setTimeout(() => {
      if (this.#isClosed) return
      this.#restarts += 1
      this.#launch(worker.slot).catch((error: unknown) => {
        if (!(error instanceof ChannelClosedError))
          this.#options.log('error', 'worker cannot serve', { error: String(error) })
        this.#workers.get(worker.slot)?.kill()
      })
    }, delay)
  }
}
