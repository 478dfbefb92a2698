import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { GRADES } from '../../../crds/index.ts'
import { REFUSALS } from '../../engine/close-reason.ts'
import type { Identity } from '../identity.ts'
import type { ServerView } from '../server-view.ts'
import { trafficOf } from '../traffic.ts'
import { type Counts, HANDSHAKE_BOUNDS } from './counts.ts'
import { DELAY_BOUNDS, type DelayCounts } from './event-loop-delay.ts'
import { RawHistogram } from './raw-histogram.ts'

/** Every metric of this program begins with it, those of the process included. */
const PREFIX = 'socketserver_'

/** What the metrics are read from, at the moment Prometheus asks. */
export interface MetricSources {
  readonly counts: Counts
  readonly view: ServerView
  readonly identity: () => Identity
  readonly version: string
  readonly isReady: () => boolean
  /** Whether what runs is what lies on disk. */
  readonly isCurrent: () => boolean
  /** Log lines given up because nobody read them. */
  readonly droppedLines: () => number
  /** Processes that serve beside this one, and how many were replaced. */
  readonly workers?: () => {
    readonly workers: readonly { readonly slot: number; readonly cpuSeconds: number; readonly residentBytes: number }[]
    readonly restarts: number
  }
  /** How late the event loop was so far. */
  readonly eventLoop: () => DelayCounts
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/**
 * The metrics as a registry of their own. Nothing is counted here: every value is read from plain numbers when Prometheus
 * asks. Labels come from the configuration and closed vocabularies only, never from what a client sends.
 */
export const createMetrics = (sources: MetricSources): Registry => {
  const { counts, view } = sources
  const registry = new Registry()

  const gauge = (name: string, help: string, labelNames: string[], read: () => Iterable<Sample>) => {
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        for (const [labels, value] of read()) this.set(labels, value)
      },
    })
  }
  const counter = (name: string, help: string, labelNames: string[], read: () => Iterable<Sample>) => {
    new Counter({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        for (const [labels, value] of read()) this.inc(labels, value)
      },
    })
  }

  /** Every listener of the configuration, so that one without clients shows 0 and not a gap. */
  const listeners = () => view.listenStates().map((state) => ({ state, counts: counts.of(state.name) }))
  const perListener = (read: (one: ReturnType<typeof listeners>[number]) => number) => (): Sample[] =>
    listeners().map((one) => [{ listener: one.state.name }, read(one)])

  const runtime =
    process.versions['bun'] === undefined ? `node ${process.versions.node}` : `bun ${process.versions['bun']}`
  gauge('build_info', 'Version of socketserver and of the runtime; always 1.', ['version', 'runtime'], () => [
    [{ version: sources.version, runtime }, 1],
  ])
  gauge(
    'configuration_info',
    'The configuration that runs; always 1.',
    ['name', 'namespace', 'generation', 'hash'],
    () => {
      const { name, namespace, generation, configHash } = sources.identity()
      return [[{ name, namespace, generation: String(generation), hash: configHash }, 1]]
    },
  )
  gauge('configuration_current', 'Whether the configuration that runs is the one on disk.', [], () => [
    [{}, sources.isCurrent() ? 1 : 0],
  ])
  gauge(
    'configuration_accepted_timestamp_seconds',
    'When the last changed configuration was taken, in Unix time; 0 before the first change.',
    [],
    () => [[{}, counts.acceptedAt / 1000]],
  )
  counter('configuration_changes_total', 'Changed configurations that were accepted or refused.', ['outcome'], () =>
    Object.entries(counts.configurations).map(([outcome, count]): Sample => [{ outcome }, count]),
  )
  gauge('ready', 'Whether /readyz answers 200.', [], () => [[{}, sources.isReady() ? 1 : 0]])
  gauge(
    'listener_up',
    'Whether the listener listens.',
    ['listener'],
    perListener(({ state }) => (state.state === 'Listening' ? 1 : 0)),
  )
  counter(
    'connections_accepted_total',
    'Connections accepted.',
    ['listener'],
    perListener((one) => one.counts.accepted),
  )
  gauge(
    'connections_open',
    'Connections from accept to close.',
    ['listener'],
    perListener(({ state }) => state.clients),
  )
  counter(
    'connections_closed_total',
    'Connections closed, by the host that served them (empty: none was selected) and the reason.',
    ['listener', 'host', 'reason'],
    () =>
      [...counts.closes.values()].map(
        ({ listener, hostTag, reason, count }): Sample => [{ listener, host: hostTag, reason }, count],
      ),
  )
  counter(
    'connections_refused_total',
    'Clients turned away before they were served, by the host they asked for (empty: none was selected) and the reason. They are among connections_closed_total too.',
    ['listener', 'host', 'reason'],
    () =>
      [...counts.closes.values()]
        .filter(({ reason }) => REFUSALS.has(reason))
        .map(({ listener, hostTag, reason, count }): Sample => [{ listener, host: hostTag, reason }, count]),
  )
  counter(
    'bytes_total',
    'Bytes received from clients and sent to them, up to this moment, by the host that served them (empty: none was selected).',
    ['listener', 'host', 'direction'],
    () => {
      const names = view.listenStates().map(({ name }) => name)
      return trafficOf(counts, view.liveTraffic(), names).flatMap(
        ({ listener, hostTag: host, receivedBytes, sentBytes }): Sample[] => [
          [{ listener, host, direction: 'received' }, receivedBytes],
          [{ listener, host, direction: 'sent' }, sentBytes],
        ],
      )
    },
  )
  gauge('host_clients', 'Clients of the host, from the choice of the host to the close.', ['host'], () => {
    const clients = new Map(view.hosts().map(({ hostTag }) => [hostTag, 0]))
    for (const live of view.liveTraffic())
      if (live.hostTag !== '') clients.set(live.hostTag, (clients.get(live.hostTag) ?? 0) + live.clients)
    return [...clients].map(([host, count]): Sample => [{ host }, count])
  })
  counter(
    'handshakes_total',
    'TLS handshakes that succeeded, by version, key exchange group and whether a ticket was used.',
    ['host', 'version', 'group', 'resumed'],
    () =>
      [...counts.handshakes].flatMap(([host, kinds]) =>
        [...kinds.values()].map(({ count, ...kind }): Sample => [{ host, ...kind }, count]),
      ),
  )
  registry.registerMetric(
    new RawHistogram({
      name: `${PREFIX}handshake_seconds`,
      help: 'Seconds from accept to the end of a TLS handshake that succeeded.',
      labelNames: ['listener'],
      bounds: HANDSHAKE_BOUNDS,
      read: () =>
        listeners()
          .filter(({ state }) => state.tls)
          .map(({ state, counts: of }) => ({
            labels: { listener: state.name },
            buckets: of.handshakeBuckets,
            sum: of.handshakeSum,
            count: of.handshakeCount,
          })),
    }),
  )
  registry.registerMetric(
    new RawHistogram({
      name: `${PREFIX}event_loop_delay_seconds`,
      help: 'Seconds that the event loop was late for a timer, sampled every 20 ms.',
      labelNames: [],
      bounds: DELAY_BOUNDS,
      read: () => [{ labels: {}, ...sources.eventLoop() }],
    }),
  )
  const perCertificate = (field: 'notBefore' | 'notAfter') => (): Sample[] =>
    view
      .hosts()
      .flatMap((host) =>
        host.certificates.map(
          (one): Sample => [
            { host: host.hostTag, secret: one.secretName, key_type: one.keyType },
            Date.parse(one[field]) / 1000,
          ],
        ),
      )
      .filter(([, seconds]) => Number.isFinite(seconds))
  const certificateLabels = ['host', 'secret', 'key_type']
  gauge(
    'certificate_not_before_timestamp_seconds',
    'Begin of validity of a certificate as served.',
    certificateLabels,
    perCertificate('notBefore'),
  )
  gauge(
    'certificate_not_after_timestamp_seconds',
    'End of validity of a certificate as served.',
    certificateLabels,
    perCertificate('notAfter'),
  )
  gauge(
    'certificate_grade',
    'Grade of the certificates of a host: 1 for the grade it has, 0 for the others.',
    ['host', 'grade'],
    () =>
      view
        .hosts()
        .flatMap((host) =>
          GRADES.map((grade): Sample => [{ host: host.hostTag, grade }, host.grade === grade ? 1 : 0]),
        ),
  )
  const perBackend = (read: (one: ReturnType<ServerView['backends']>[number]) => number) => (): Sample[] =>
    view.backends().map((one) => [{ host: one.hostTag, backend: one.name }, read(one)])
  gauge(
    'backend_healthy',
    'Whether clients are sent to the backend; 0 while it is left out after failures.',
    ['host', 'backend'],
    perBackend((one) => (one.healthy ? 1 : 0)),
  )
  gauge(
    'backend_clients',
    'Clients connected to the backend.',
    ['host', 'backend'],
    perBackend((one) => one.clients),
  )
  const workers = () => sources.workers?.() ?? { workers: [], restarts: 0 }
  gauge('workers', 'Processes that serve clients.', [], () => [[{}, Math.max(1, workers().workers.length)]])
  counter('worker_restarts_total', 'Workers that ended and were replaced.', [], () => [[{}, workers().restarts]])
  counter('worker_cpu_seconds_total', 'Processor time of a worker; none without --workers.', ['worker'], () =>
    workers().workers.map((one): Sample => [{ worker: String(one.slot) }, one.cpuSeconds]),
  )
  gauge('worker_resident_memory_bytes', 'Resident memory of a worker; none without --workers.', ['worker'], () =>
    workers().workers.map((one): Sample => [{ worker: String(one.slot) }, one.residentBytes]),
  )
  counter('defects_total', 'Exceptions that reached nobody: defects of this program.', [], () => [[{}, counts.defects]])
  counter('log_lines_dropped_total', 'Log lines given up because nobody read them.', [], () => [
    [{}, sources.droppedLines()],
  ])
  collectDefaultMetrics({ register: registry, prefix: PREFIX })
  return registry
}
