import type { SteadyClock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'
import { ClusterView } from './cluster-view.ts'
import { Controller } from './controller.ts'
import { Writer } from './kube/apply.ts'
import { kubeconfigCredentials, podCredentials } from './kube/credentials.ts'
import { EventRecorder } from './kube/events.ts'
import { Leader } from './kube/leader.ts'
import { pause } from './kube/pause.ts'
import { Transport } from './kube/transport.ts'
import { keepMemorySmall } from './memory.ts'
import { OperatorMetrics } from './metrics.ts'
import type { OperatorOptions } from './options.ts'
import { PodReader } from './pod-reader.ts'
import { openProbes } from './probes.ts'
import { Reconciler } from './reconciler.ts'
import { ReferenceWatch } from './watch-references.ts'

const LEASE_NAME = 'socketserver-operator'
const CONTROLLER_NAME = 'icshosts.io/operator'
const FIRST_WAIT_MS = 500
const MOST_WAIT_MS = 10_000
/** For everything that ends after the signal to stop. */
const STOP_MS = 8_000

/** What a manager is made of. */
export interface ManagerOptions extends OperatorOptions {
  readonly clock: SteadyClock
  readonly logger: Log
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Runs the operator until the signal comes. What is started first ends last: probes, the way to the API server, the view of the
 * cluster, leadership with its workers.
 *
 * @throws SocketServerError when it cannot start: the kubeconfig, or the address of the probes
 */
export async function runManager(options: ManagerOptions, stop: AbortSignal): Promise<void> {
  const { clock, logger: log, version, env } = options
  const watching = new AbortController()
  const metrics = new OperatorMetrics({
    clock,
    version,
    workers: options.workers,
    lease: LEASE_NAME,
    isLeader: () => isLeader(),
    queue: () => controller.queue,
  })
  const source =
    options.kubeconfig === undefined ? podCredentials(env) : kubeconfigCredentials(options.kubeconfig, options.context)
  const transport = new Transport({
    source,
    clock,
    userAgent: `socketserver-operator/${version}`,
    observe: (record) => metrics.request(record),
  })
  const scope = { transport, namespaces: options.namespaces, clock, log, signal: watching.signal }
  const changed = (key: string) => controller.changed(key)
  const reader = new PodReader(clock, changed)
  const view: ClusterView = new ClusterView({ ...scope, changed, gone: (key) => controller.gone(key) })
  const references = options.watchSecrets ? new ReferenceWatch({ ...scope, view, changed }) : undefined
  view.pods.listen((_key, after, before) => {
    const uid = before?.metadata.uid
    if (uid !== undefined && after?.metadata.uid !== uid) reader.forget(uid)
  })

  // Writing is allowed while the lease is held, and each write ends when it is lost.
  let term: AbortSignal | undefined
  let leader: Leader | undefined
  const isLeader = () => term !== undefined && !term.aborted && (leader === undefined || leader.isLeader)
  const permit = () => {
    if (!isLeader() || term === undefined) throw new Error('this process does not lead')
    return term
  }
  const writer = new Writer(transport, permit)
  const events = new EventRecorder({
    transport,
    clock,
    log,
    permit,
    controller: CONTROLLER_NAME,
    instance: options.identity,
  })
  const reconciler = new Reconciler({
    view,
    transport,
    writer,
    events,
    reader,
    references,
    metrics,
    clock,
    log,
    pods: {
      image: options.image,
      imagePullPolicy: options.imagePullPolicy,
      preStopSeconds: options.preStopSeconds,
    },
  })
  const controller: Controller = new Controller({
    workers: options.workers,
    clock,
    log,
    metrics,
    reconcile: (key) => reconciler.reconcile(key),
    keys: () => view.servers.keys(),
  })
  const lead = async (lost: AbortSignal) => {
    term = lost
    await controller.lead(lost)
    reconciler.forgetAll()
    term = undefined
  }

  const missing = () => (view.synced ? '' : 'the objects of the cluster are not read yet')
  const probes = options.probes && (await openProbes(options.probes, metrics, missing))
  let overdue: NodeJS.Timeout | undefined
  const letMemoryGo = keepMemorySmall(() => (controller.queue?.depth ?? 0) === 0)
  try {
    const credentials = await connect(transport, log, stop)
    if (credentials === undefined) return
    log('info', 'operator started', {
      version,
      server: credentials.server,
      namespaces: options.namespaces.length === 0 ? 'all' : options.namespaces.join(','),
      image: options.image,
    })
    const watches = [...view.watch(), ...(references?.watch() ?? [])]
    while (!view.synced && !stop.aborted) await pause(20, stop)
    if (!stop.aborted) log('info', 'cluster read', { socketServers: view.servers.size, pods: view.pods.size })
    if (options.leaderElect) {
      leader = new Leader({
        transport,
        clock,
        log,
        namespace: options.leaseNamespace ?? credentials.namespace ?? 'default',
        name: LEASE_NAME,
        identity: options.identity,
        leaseSeconds: options.leaseSeconds,
        lead,
      })
      const run = leader.run(stop)
      await new Promise<void>((resolve) => {
        void run.then(resolve)
        stop.addEventListener('abort', () => {
          overdue = setTimeout(resolve, STOP_MS)
        })
      })
    } else await lead(stop)
    watching.abort()
    await Promise.race([Promise.all(watches), pause(STOP_MS, new AbortController().signal)])
  } finally {
    clearTimeout(overdue)
    letMemoryGo()
    watching.abort()
    await transport.close()
    probes?.close()
    probes?.closeAllConnections()
    log('info', 'operator stopped')
  }
}

/** Opens the connection before many need it at once; waits for an API server that is not there yet. */
async function connect(transport: Transport, log: Log, stop: AbortSignal) {
  // What is wrong with the kubeconfig is told at once.
  await transport.credentials()
  for (let wait = FIRST_WAIT_MS; !stop.aborted; wait = Math.min(MOST_WAIT_MS, wait * 2)) {
    try {
      await transport.request({ method: 'GET', path: '/version', signal: stop })
      return await transport.credentials()
    } catch (error) {
      if (stop.aborted) return undefined
      log('warn', 'API server not reached', {
        error: error instanceof Error ? error.message : String(error),
        retryMs: wait,
      })
      await pause(wait, stop)
    }
  }
  return undefined
}
