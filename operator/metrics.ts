import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { SocketServerStatus } from '../crds/index.ts'
import type { Clock } from '../sidecar/base/clock.ts'
import type { RequestRecord } from './kube/transport.ts'
import { PassingGauge, type Sample } from './passing-gauge.ts'
import type { QueueObserver, WorkQueue } from './queue/work-queue.ts'

/** The name of the one controller and of its queue, in metrics. */
const CONTROLLER = 'socketserver'

/** How a reconcile ended, as controller-runtime names it. */
export type ReconcileResult = 'success' | 'requeue_after' | 'error'

const RESULTS: readonly ReconcileResult[] = ['success', 'requeue_after', 'error']

// The bounds of controller-runtime and client-go, so that dashboards made for them fit.
const RECONCILE_BOUNDS = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9],
  ...[1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
]
const QUEUE_BOUNDS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000]
const REQUEST_BOUNDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]

/** What is shown of one SocketServer. */
interface Shown {
  readonly ready: number
  readonly clients: number
  readonly readyReplicas: number
  /** Unix seconds; undefined without certificates. */
  readonly certificateEnd: number | undefined
  /** Number of hosts by grade. */
  readonly grades: readonly (readonly [grade: string, count: number])[]
}

/** What the metrics are read from when they are asked for. */
export interface MetricSources {
  readonly clock: Clock
  readonly version: string
  readonly workers: number
  readonly lease: string
  readonly isLeader: () => boolean
  readonly queue: () => WorkQueue | undefined
}

/** The metrics of the operator: controller-runtime's and client-go's by their names, and a few for each SocketServer. */
export class OperatorMetrics {
  readonly registry = new Registry()
  readonly #sources: MetricSources
  readonly #shown = new Map<string, Shown>()
  readonly #reconciles: Counter<string>
  readonly #errors: Counter<string>
  readonly #times: Histogram<string>
  readonly #requests: Counter<string>
  readonly #requestTimes: Histogram<string>
  readonly #adds: Counter<string>
  readonly #retries: Counter<string>
  readonly #waits: Histogram<string>
  readonly #works: Histogram<string>
  readonly #looks: Counter<string>

  constructor(sources: MetricSources) {
    this.#sources = sources
    const registers = [this.registry]
    const counter = (name: string, help: string, ...labelNames: string[]) =>
      new Counter({ name, help, labelNames, registers })
    const histogram = (name: string, help: string, buckets: number[], ...labelNames: string[]) =>
      new Histogram({ name, help, buckets, labelNames, registers })
    this.#reconciles = counter('controller_runtime_reconcile_total', 'Reconciles by result.', 'controller', 'result')
    this.#errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.', 'controller')
    this.#times = histogram(
      'controller_runtime_reconcile_time_seconds',
      'Seconds a reconcile took.',
      RECONCILE_BOUNDS,
      'controller',
    )
    this.#requests = counter('rest_client_requests_total', 'Calls of the API, by status code.', 'code', 'method')
    this.#requestTimes = histogram(
      'rest_client_request_duration_seconds',
      'Seconds until the API began to answer.',
      REQUEST_BOUNDS,
      'verb',
    )
    this.#adds = counter('workqueue_adds_total', 'Keys added to the queue.', 'name')
    this.#retries = counter('workqueue_retries_total', 'Keys to be tried again.', 'name')
    this.#waits = histogram('workqueue_queue_duration_seconds', 'Seconds a key waited.', QUEUE_BOUNDS, 'name')
    this.#works = histogram('workqueue_work_duration_seconds', 'Seconds a key was worked on.', QUEUE_BOUNDS, 'name')
    this.#looks = counter('socketserver_operator_looks_total', 'Looks at SocketServers of which nothing was news.')
    for (const result of RESULTS) this.#reconciles.inc({ controller: CONTROLLER, result }, 0)
    this.#errors.inc({ controller: CONTROLLER }, 0)
    this.#adds.inc({ name: CONTROLLER }, 0)
    this.#retries.inc({ name: CONTROLLER }, 0)
    this.#addGauges()
    collectDefaultMetrics({ register: this.registry })
  }

  /** All of them as text. */
  async text(): Promise<string> {
    return await this.registry.metrics()
  }

  /** Told of what happens in the queue. */
  readonly queue: QueueObserver = {
    added: () => this.#adds.inc({ name: CONTROLLER }),
    retried: () => this.#retries.inc({ name: CONTROLLER }),
    waited: (seconds) => this.#waits.observe({ name: CONTROLLER }, seconds),
    worked: (seconds) => this.#works.observe({ name: CONTROLLER }, seconds),
    looked: () => this.#looks.inc(),
  }

  /** One call of the API began to be answered, or failed. */
  request({ method, code, seconds }: RequestRecord): void {
    this.#requests.inc({ code, method })
    this.#requestTimes.observe({ verb: method }, seconds)
  }

  /** One reconcile ended. */
  reconciled(result: ReconcileResult, seconds: number): void {
    this.#reconciles.inc({ controller: CONTROLLER, result })
    if (result === 'error') this.#errors.inc({ controller: CONTROLLER })
    this.#times.observe({ controller: CONTROLLER }, seconds)
  }

  /** The status of a SocketServer as it is now. */
  observe(key: string, status: Partial<SocketServerStatus>): void {
    const grades = new Map<string, number>()
    for (const { grade } of status.icsHosts ?? []) grades.set(grade, (grades.get(grade) ?? 0) + 1)
    const end = Date.parse(status.nextCertificateExpiry ?? '')
    this.#shown.set(key, {
      ready: status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ? 1 : 0,
      clients: status.clients ?? 0,
      readyReplicas: status.readyReplicas ?? 0,
      certificateEnd: Number.isNaN(end) ? undefined : end / 1000,
      grades: [...grades],
    })
  }

  /** The SocketServer is gone, and so are its series. */
  forget(key: string): void {
    this.#shown.delete(key)
  }

  /** Nothing is shown of any SocketServer: this process does not lead. */
  forgetAll(): void {
    this.#shown.clear()
  }

  #addGauges(): void {
    const { clock, version, workers, lease, isLeader, queue } = this.#sources
    const gauge = (name: string, help: string, labelNames: string[], read: () => Iterable<Sample>) =>
      new PassingGauge({ name, help, labelNames, registers: [this.registry] }, read)
    const one = (labels: Readonly<Record<string, string>>, read: () => number) => (): Sample[] => [[labels, read()]]
    const ages = () => [...(queue()?.startTimes() ?? [])].map((at) => (clock.now() - at) / 1000)
    const name = { name: CONTROLLER }
    const controller = { controller: CONTROLLER }
    gauge(
      'controller_runtime_active_workers',
      'Workers that reconcile.',
      ['controller'],
      one(controller, () => queue()?.active ?? 0),
    )
    gauge(
      'controller_runtime_max_concurrent_reconciles',
      'Workers there are.',
      ['controller'],
      one(controller, () => workers),
    )
    gauge(
      'workqueue_depth',
      'Keys that wait for a worker.',
      ['name'],
      one(name, () => queue()?.depth ?? 0),
    )
    gauge(
      'workqueue_unfinished_work_seconds',
      'Seconds that the keys worked on have taken so far, together.',
      ['name'],
      one(name, () => ages().reduce((sum, age) => sum + age, 0)),
    )
    gauge(
      'workqueue_longest_running_processor_seconds',
      'Seconds that the key worked on for longest has taken so far.',
      ['name'],
      one(name, () => Math.max(0, ...ages())),
    )
    gauge(
      'leader_election_master_status',
      'Whether this process leads.',
      ['name'],
      one({ name: lease }, () => (isLeader() ? 1 : 0)),
    )
    gauge(
      'socketserver_operator_build_info',
      'Version of the operator; always 1.',
      ['version'],
      one({ version }, () => 1),
    )
    const labels = ['namespace', 'name']
    const each = (
      name: string,
      help: string,
      labelNames: string[],
      read: (shown: Shown, labels: Readonly<Record<string, string>>) => readonly Sample[],
    ) => {
      const shown = this.#shown
      const samples = function* () {
        for (const [key, one] of shown) yield* read(one, labelsOf(key))
      }
      gauge(name, help, labelNames, samples)
    }
    const number = (name: string, help: string, read: (shown: Shown) => number | undefined) =>
      each(name, help, labels, (shown, of) => {
        const value = read(shown)
        return value === undefined ? [] : [[of, value]]
      })
    number('socketserver_operator_ready', 'Whether the SocketServer is ready.', ({ ready }) => ready)
    number('socketserver_operator_clients', 'Clients of the SocketServer, over all pods.', ({ clients }) => clients)
    number('socketserver_operator_ready_pods', 'Ready pods of the SocketServer.', ({ readyReplicas }) => readyReplicas)
    number(
      'socketserver_operator_certificate_not_after_timestamp_seconds',
      'End of the certificate of the SocketServer that ends first.',
      ({ certificateEnd }) => certificateEnd,
    )
    each('socketserver_operator_hosts', 'Hosts of the SocketServer by grade.', [...labels, 'grade'], (shown, of) =>
      shown.grades.map(([grade, count]): Sample => [{ ...of, grade }, count]),
    )
  }
}

const labelsOf = (key: string): Record<string, string> => {
  const at = key.indexOf('/')
  return { namespace: key.slice(0, at), name: key.slice(at + 1) }
}
