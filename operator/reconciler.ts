import { isDeepStrictEqual } from 'node:util'
import { RECHECK_ANNOTATION, type SocketServerStatus } from '../crds/index.ts'
import type { Clock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'
import { acceptAnew, acceptOnce, type KnownAcceptance } from './accept-once.ts'
import { type ChildMemory, ChildWriter, createChildMemory } from './child-writer.ts'
import { type ClusterView, SOCKET_SERVERS } from './cluster-view.ts'
import { isRefusal } from './kube/api-error.ts'
import type { Writer } from './kube/apply.ts'
import type { EventRecorder } from './kube/events.ts'
import type { KubeObject } from './kube/objects.ts'
import type { Transport } from './kube/transport.ts'
import type { OperatorMetrics } from './metrics.ts'
import { type NudgeMemory, Nudger } from './nudger.ts'
import { OlderDefinition } from './older-definition.ts'
import type { Outcome } from './outcome.ts'
import type { PodReader } from './pod-reader.ts'
import { desire } from './reconcile/desire.ts'
import type { Acceptance, Accepted, ChildTrouble, Facts, PodFacts, Served } from './reconcile/facts.ts'
import { childName, selectorLabels, shortHash } from './reconcile/names.ts'
import type { PodOptions } from './reconcile/objects/child.ts'
import { statusOf, withoutClients } from './reconcile/status.ts'
import { hostStates, transitionsOf } from './reconcile/transitions.ts'
import { statusBefore, type TrimmedPod, type TrimmedServer, trimServer } from './trim.ts'
import type { ReferenceWatch } from './watch-references.ts'

/** What a reconciler works with. */
export interface ReconcilerOptions {
  readonly view: ClusterView
  readonly transport: Transport
  readonly writer: Writer
  readonly events: EventRecorder
  readonly reader: PodReader
  /** Undefined: Secrets and CAs are not watched. */
  readonly references: ReferenceWatch | undefined
  readonly metrics: OperatorMetrics
  readonly clock: Clock
  readonly log: Log
  readonly pods: PodOptions
}

/** Milliseconds between two looks at the pods: while something converges, when that takes long, and when all is quiet. */
const LOOK_MS = { moving: 500, slow: 5_000, quiet: 60_000 } as const
/** So long after the last news something that does not converge is taken for slow. */
const MOVING_MS = 60_000
/** Counts of clients are written that seldom. */
const CLIENTS_MS = 60_000
/** A hot change is done within that time and needs no status in between: observedGeneration tells that it is on its way. */
const HOT_MS = 1_500
/** Steps of a rollout that leave Ready as it is are written that seldom. */
const STEP_MS = 2_000
/** A pod asked so lately is not asked again: many events of one change come together. */
const FRESH_MS = 100

interface Memory {
  readonly uid: string
  readonly children: ChildMemory
  readonly nudges: NudgeMemory
  acceptance: KnownAcceptance | undefined
  statusAt: number
  /** When something last became different. */
  newsAt: number
  news: string
  /** When hosts were last told of, and how many days before its end a certificate was told to end soon then. */
  hosts: { readonly at: number; readonly days: number } | undefined
}

/** Makes one SocketServer true, and says what is: observe, judge, desire, apply, report. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #children: ChildWriter
  readonly #nudger: Nudger
  readonly #definition: OlderDefinition
  readonly #memories = new Map<string, Memory>()

  constructor(options: ReconcilerOptions) {
    this.#options = options
    const { view, transport, writer, clock, log, references } = options
    this.#children = new ChildWriter(view, transport, writer, clock)
    this.#definition = new OlderDefinition(clock, log)
    this.#nudger = new Nudger({ writer, clock, log, references })
  }

  /** Reconciles the SocketServer of that key. Never throws. */
  async reconcile(key: string): Promise<Outcome> {
    const server = this.#options.view.servers.get(key)
    if (server === undefined) {
      this.forget(key)
      return { kind: 'done' }
    }
    // Children go with their owner; the API server sees to that.
    if (server.metadata.deletionTimestamp !== undefined) return { kind: 'done' }
    try {
      return await this.#reconcile(key, server, this.#memoryOf(key, server))
    } catch (error) {
      // It was deleted meanwhile.
      if (isRefusal(error, 404) && !this.#options.view.servers.get(key)) return { kind: 'done' }
      return { kind: 'failed', error }
    }
  }

  /** The SocketServer is gone: nothing of it is kept. */
  forget(key: string): void {
    const memory = this.#memories.get(key)
    this.#memories.delete(key)
    this.#options.metrics.forget(key)
    if (memory !== undefined) this.#options.events.forget(memory.uid)
  }

  /** Another process leads from here on, and what is remembered will be out of date. */
  forgetAll(): void {
    for (const key of [...this.#memories.keys()]) this.forget(key)
  }

  #memoryOf(key: string, { metadata: { uid = '' } }: TrimmedServer): Memory {
    const known = this.#memories.get(key)
    if (known?.uid === uid) return known
    const memory: Memory = {
      uid,
      children: createChildMemory(),
      nudges: new Map(),
      acceptance: undefined,
      statusAt: Number.NEGATIVE_INFINITY,
      newsAt: this.#options.clock.now(),
      news: '',
      hosts: undefined,
    }
    this.#memories.set(key, memory)
    return memory
  }

  async #reconcile(key: string, server: TrimmedServer, memory: Memory): Promise<Outcome> {
    const { view, metrics, clock } = this.#options
    const { known, served } = acceptOnce(server, memory.acceptance)
    memory.acceptance = known
    const acceptance = known.is
    const troubles = acceptance.accepted ? await this.#write(server, acceptance, served, memory) : []
    // A pod that is not asked anew may have become another in between: it is looked at once more, however quiet all seems.
    const mostMs = this.#areAllAsked(server) ? LOOK_MS.quiet : LOOK_MS.moving
    const pods = await this.#readPods(server)
    const isWritten = acceptance.accepted && troubles.every(({ kind }) => kind !== 'ConfigMap')
    const recheck = server.metadata.annotations?.[RECHECK_ANNOTATION] ?? ''
    const wanted = { configHash: isWritten ? acceptance.configHash : undefined, recheck }
    const nudgedMs = await this.#nudger.nudge(wanted, pods, memory.nudges)
    const before = statusBefore(server)
    const facts = this.#facts(server, before, acceptance, troubles, pods)
    const status = this.#definition.fit(statusOf(facts))
    this.#noteNews(memory, status)
    await this.#report(server, before, status, memory)
    metrics.observe(key, status)
    // What came while this was at work is worked on next; the queue knows.
    const now = clock.now()
    if (view.servers.get(key) === undefined) this.forget(key)
    const { isAtRest, lookMs } = this.#lookAfter(status, acceptance, troubles, now - memory.newsAt)
    const afterMs = Math.min(lookMs, mostMs, nudgedMs ?? lookMs)
    if (!isAtRest || afterMs !== lookMs) return { kind: 'again', afterMs, isAtRest: false }
    const held = view.servers.get(key)
    held?.spec.rest()
    held?.status.rest()
    return { kind: 'again', afterMs, isAtRest: true }
  }

  async #write(
    server: TrimmedServer,
    accepted: Accepted,
    known: Served | undefined,
    memory: Memory,
  ): Promise<ChildTrouble[]> {
    const { apiVersion, kind, metadata } = server
    const make = () => {
      const served = known ?? acceptAnew(server)
      if (!served.accepted) throw new Error(`what was accepted is not any more: ${served.message}`)
      return desire({ apiVersion, kind, metadata, spec: served.server.spec }, served.manifest, this.#options.pods)
    }
    return await this.#children.write({ parent: { metadata }, of: accepted, make }, memory.children)
  }

  #areAllAsked({ metadata: { name, namespace = '' } }: TrimmedServer): boolean {
    const { view, reader } = this.#options
    return view.podsOf(namespace, name).every((pod) => reader.remembered(pod, FRESH_MS) === undefined)
  }

  async #readPods({
    metadata: { name, namespace = '' },
  }: TrimmedServer): Promise<readonly (readonly [TrimmedPod, PodFacts])[]> {
    const { view, reader } = this.#options
    return await Promise.all(
      view.podsOf(namespace, name).map(async (pod) => {
        const isAsked = pod.ip !== '' && (pod.isReady || pod.isRunning)
        const report = isAsked ? await reader.read(pod, name, FRESH_MS) : undefined
        return [pod, { name: pod.metadata.name, isReady: pod.isReady, trouble: pod.trouble, report }] as const
      }),
    )
  }

  #facts(
    server: TrimmedServer,
    before: Partial<SocketServerStatus>,
    acceptance: Acceptance,
    troubles: readonly ChildTrouble[],
    pods: readonly (readonly [TrimmedPod, PodFacts])[],
  ): Facts {
    const { view, clock } = this.#options
    const { name, namespace = '', generation = 0, annotations } = server.metadata
    const key = `${namespace}/${childName(name)}`
    const labels = Object.entries(selectorLabels(name)).map(([label, value]) => `${label}=${value}`)
    return {
      generation,
      acceptance,
      deployment: view.children.Deployment.get(key)?.deployment,
      pods: pods.map(([, facts]) => facts),
      troubles,
      recheck: annotations?.[RECHECK_ANNOTATION] ?? '',
      selector: labels.join(','),
      address: view.children.Service.get(key)?.address ?? '',
      before,
      now: clock.now(),
    }
  }

  #noteNews(memory: Memory, status: Partial<SocketServerStatus>): void {
    const news = shortHash(
      JSON.stringify([status.observedGeneration, ...(status.conditions ?? []).map(({ message }) => message)]),
    )
    if (news === memory.news) return
    memory.news = news
    memory.newsAt = this.#options.clock.now()
  }

  async #report(
    server: TrimmedServer,
    before: Partial<SocketServerStatus>,
    status: Partial<SocketServerStatus>,
    memory: Memory,
  ): Promise<void> {
    const { view, events, clock } = this.#options
    const now = clock.now()
    const accepted = memory.acceptance?.is
    const days = accepted?.accepted ? accepted.expected.certExpireDays : 30
    const last = memory.hosts ?? { at: now, days }
    const hostsBefore = hostStates(before, last.at, last.days)
    const transitions = transitionsOf(before, status, hostsBefore, hostStates(status, now, days))
    if (this.#isToBeWritten(server, before, status, memory, now)) {
      const { name, namespace = '' } = server.metadata
      const object = { metadata: { name, namespace }, status }
      const written = await this.#applyStatus(object)
      memory.statusAt = now
      view.servers.take(written, trimServer)
    } else if (!isDeepStrictEqual(withoutClients(before), withoutClients(status))) {
      // What is not written yet has not been told either.
      return
    }
    memory.hosts = { at: now, days }
    for (const transition of transitions) await events.record(server, transition)
  }

  async #applyStatus(object: KubeObject): Promise<KubeObject> {
    try {
      return await this.#options.writer.apply(SOCKET_SERVERS, object, 'status')
    } catch (error) {
      // What is left of it is written by the next try.
      this.#definition.learn(error)
      throw error
    }
  }

  #isToBeWritten(
    { metadata }: TrimmedServer,
    before: Partial<SocketServerStatus>,
    status: Partial<SocketServerStatus>,
    memory: Memory,
    now: number,
  ): boolean {
    const age = now - memory.statusAt
    if (isDeepStrictEqual(withoutClients(before), withoutClients(status)))
      return age >= CLIENTS_MS && !isDeepStrictEqual(before, status)
    const isMoving = status.conditions?.find(({ type }) => type === 'Programmed')?.reason === 'Progressing'
    if (!isMoving || before.conditions === undefined) return true
    if (before.observedGeneration !== metadata.generation) return now - memory.newsAt >= HOT_MS
    const ready = (one: Partial<SocketServerStatus>) => one.conditions?.find(({ type }) => type === 'Ready')?.reason
    return ready(before) !== ready(status) || age >= STEP_MS
  }

  #lookAfter(
    status: Partial<SocketServerStatus>,
    acceptance: Acceptance,
    troubles: readonly ChildTrouble[],
    sinceNewsMs: number,
  ): { readonly isAtRest: boolean; readonly lookMs: number } {
    const isSettled = status.conditions?.every(
      ({ type, status: is }) => is === 'True' || type === 'CertificatesRenewed' || type === 'Ready',
    )
    const isStuck = !acceptance.accepted || troubles.length > 0
    const base = isSettled ? LOOK_MS.quiet : isStuck || sinceNewsMs > MOVING_MS ? LOOK_MS.slow : LOOK_MS.moving
    // Spread, so that what began together does not stay together.
    return { isAtRest: isSettled === true || isStuck, lookMs: base * (0.9 + Math.random() * 0.1) }
  }
}
