import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ClusterView } from '../../../operator/cluster-view.ts'
import { Controller } from '../../../operator/controller.ts'
import { Writer } from '../../../operator/kube/apply.ts'
import { EventRecorder } from '../../../operator/kube/events.ts'
import { desiredFingerprint } from '../../../operator/kube/field-set.ts'
import type { KubeObject } from '../../../operator/kube/objects.ts'
import { type ApiRequest, Transport } from '../../../operator/kube/transport.ts'
import { OperatorMetrics } from '../../../operator/metrics.ts'
import { type PodAnswer, PodReader } from '../../../operator/pod-reader.ts'
import { accept } from '../../../operator/reconcile/accept.ts'
import { desire } from '../../../operator/reconcile/desire.ts'
import { instanceOf } from '../../../operator/reconcile/names.ts'
import { CHILD_KINDS } from '../../../operator/reconcile/objects/child.ts'
import type { RawParent } from '../../../operator/reconcile/objects/config-map.ts'
import { Reconciler } from '../../../operator/reconciler.ts'
import { trimServer } from '../../../operator/trim.ts'
import { systemClock } from '../../../sidecar/base/clock.ts'
import { heapInUse } from '../../support/collect-garbage.ts'
import { NOW, parentOf, reportOf } from './reconcile/sample.ts'

const SERVERS = 8
const HOUR_MS = 3_600_000
const PODS = { image: 'engine:1', preStopSeconds: 5 }
const signal = new AbortController().signal
const log = () => {}

beforeEach(() => void vi.useFakeTimers({ now: NOW }))
afterEach(() => void vi.useRealTimers())

/** Answers as an API server that keeps what it is given, and writes down what it was asked. */
class KeepingTransport extends Transport {
  readonly asked: string[] = []
  readonly #servers: ReadonlyMap<string, RawParent>

  constructor(servers: ReadonlyMap<string, RawParent>) {
    const source = () => Promise.reject(new Error('nobody connects'))
    super({ source, clock: systemClock, userAgent: 'test' })
    this.#servers = servers
  }

  override async request({ method, path, body }: ApiRequest): Promise<unknown> {
    this.asked.push(`${method} ${path}`)
    const [, name = ''] = /socketservers\/([^/]+)\/status$/.exec(path) ?? []
    const server = this.#servers.get(name)
    if (server === undefined) return body
    const metadata = { ...server.metadata, resourceVersion: String(100 + this.asked.length) }
    return { ...server, metadata, status: (body as KubeObject)['status'] }
  }
}

/** Tells what good engines tell, and counts how often it is asked. */
class CountingReader extends PodReader {
  count = 0
  readonly #hashes: ReadonlyMap<string, string>

  constructor(hashes: ReadonlyMap<string, string>) {
    super(systemClock)
    this.#hashes = hashes
  }

  override async read(_pod: unknown, server: string): Promise<PodAnswer> {
    this.count += 1
    return reportOf({ configHash: this.#hashes.get(server) ?? '' })
  }
}

/** A SocketServer with all its children and two ready pods, as the view of the cluster has them. */
function addServer(view: ClusterView, parent: RawParent, configHash: string): void {
  const { name, uid = '' } = parent.metadata
  const acceptance = accept(parent)
  if (!acceptance.accepted || acceptance.configHash !== configHash) throw new Error('it is not as it should be')
  view.servers.put(trimServer({ ...parent, status: {} } as unknown as KubeObject))
  const desired = desire({ ...parent, spec: acceptance.server.spec }, acceptance.manifest, PODS)
  for (const kind of CHILD_KINDS)
    view.children[kind].put({
      metadata: { ...desired[kind].metadata, uid: `${kind}-${uid}`, resourceVersion: '1' },
      ...{ ownerUid: uid, ownerName: name, ownsReplicas: true },
      fingerprint: desiredFingerprint(desired[kind]),
      deployment: { isSeen: true, wanted: 2, replicas: 2, updated: 2, ready: 2, available: 2, refusal: '' },
      address: '10.0.0.1',
    })
  for (const pod of ['a', 'b'])
    view.pods.put({
      metadata: { name: `${name}-${pod}`, namespace: 'shop', uid: `${uid}-${pod}`, resourceVersion: '1' },
      ...{ instance: instanceOf(name), ip: '10.0.0.2', isReady: true, isRunning: true, adminPort: 8900 },
      ...{ nudge: '', mounts: [], trouble: undefined },
    })
}

/** An operator over SocketServers that are all as declared, and nothing that it could reach. */
function quietOperator() {
  const servers = new Map<string, RawParent>()
  const hashes = new Map<string, string>()
  const transport = new KeepingTransport(servers)
  const reader = new CountingReader(hashes)
  const clock = systemClock
  const permit = () => signal
  const view: ClusterView = new ClusterView({
    ...{ transport, clock, namespaces: [], log, signal },
    changed: (key) => controller.changed(key),
    gone: (key) => controller.gone(key),
  })
  const metrics: OperatorMetrics = new OperatorMetrics({
    ...{ clock, version: '', workers: 4, lease: '', isLeader: () => true, queue: () => controller.queue },
  })
  const reconciler = new Reconciler({
    ...{ view, transport, reader, metrics, clock, log, references: undefined, pods: PODS },
    writer: new Writer(transport, permit),
    events: new EventRecorder({ transport, clock, log, permit, controller: 'c', instance: 'i' }),
  })
  const controller: Controller = new Controller({
    ...{ workers: 4, clock, log, metrics },
    reconcile: (key) => reconciler.reconcile(key),
    keys: () => view.servers.keys(),
  })
  for (let i = 0; i < SERVERS; i++) {
    const parent = parentOf({}, { name: `edge-${i}`, uid: `uid-${i}` })
    const acceptance = accept(parent)
    servers.set(parent.metadata.name, parent)
    hashes.set(parent.metadata.name, acceptance.accepted ? acceptance.configHash : '')
    addServer(view, parent, hashes.get(parent.metadata.name) ?? '')
  }
  return { view, transport, reader, controller }
}

test('twelve quiet hours: each pod is looked at once a minute, nothing is written, timers and memory stay', async () => {
  const { view, transport, reader, controller } = quietOperator()
  const end = new AbortController()
  const others = vi.getTimerCount()
  const led = controller.lead(end.signal)
  await vi.advanceTimersByTimeAsync(5 * 60_000)
  // The first report of each, and its events; from here on nothing is news.
  expect(transport.asked.filter((one) => one.endsWith('/status'))).toHaveLength(SERVERS)
  transport.asked.length = 0
  const [looks, timers] = [reader.count, vi.getTimerCount()]
  await vi.advanceTimersByTimeAsync(6 * HOUR_MS)
  // By now the program itself, too, is compiled and has its size.
  const heap = heapInUse()
  await vi.advanceTimersByTimeAsync(6 * HOUR_MS)
  // A report that is kept at each look would be many times as much.
  expect(heapInUse() - heap).toBeLessThan(1_000_000)
  expect(transport.asked).toEqual([])
  const perPod = (reader.count - looks) / SERVERS / 2
  expect(perPod).toBeGreaterThan(12 * 60 - 1)
  expect(perPod).toBeLessThan((12 * 60) / 0.9 + 2)
  expect([timers - others, vi.getTimerCount() - others, controller.queue?.delayed]).toEqual(Array(3).fill(SERVERS))

  // It is awake all the same: a change is obeyed at once.
  const server = view.servers.get('shop/edge-7')
  if (server === undefined) throw new Error('it is gone')
  const metadata = { ...server.metadata, generation: 4, resourceVersion: '1000' }
  const { spec } = parentOf({ maxClients: 5 })
  view.servers.put({ ...server, metadata, specText: JSON.stringify(spec) })
  await vi.advanceTimersByTimeAsync(0)
  expect(transport.asked).toContain('PATCH /api/v1/namespaces/shop/configmaps/edge-7-ics')
  end.abort()
  await led
  expect(vi.getTimerCount()).toBe(others)
}, 120_000)
