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
import { parentOf, reportOf } from './reconcile/sample.ts'

const PODS = { image: 'engine:1', preStopSeconds: 5 }
const signal = new AbortController().signal
const log = () => {}

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
      metadata: { name: desired[kind].metadata.name, namespace: 'shop', uid: `${kind}-${uid}`, resourceVersion: '1' },
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

/** An operator over so many SocketServers that are all as declared, and nothing that it could reach. */
export function quietOperator(count: number) {
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
  for (let i = 0; i < count; i++) {
    const parent = parentOf({}, { name: `edge-${i}`, uid: `uid-${i}` })
    const acceptance = accept(parent)
    servers.set(parent.metadata.name, parent)
    hashes.set(parent.metadata.name, acceptance.accepted ? acceptance.configHash : '')
    addServer(view, parent, hashes.get(parent.metadata.name) ?? '')
  }
  return { view, transport, reader, controller }
}
