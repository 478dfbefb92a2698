/** One picture of the dashboard. */
interface Panel {
  readonly title: string
  readonly kind: 'stat' | 'timeseries' | 'table'
  /** A unit of Grafana. */
  readonly unit: string
  /** PromQL, and how a series is called (by its labels). */
  readonly queries: readonly (readonly [expression: string, legend: string])[]
  readonly description?: string
}

/** Series of the engines that are chosen. */
const ENGINE = '{namespace=~"$namespace",socketserver=~"$socketserver"}'
const engine = (...matchers: readonly string[]) => ENGINE.replace('}', `${matchers.map((one) => `,${one}`).join('')}}`)
const QUEUE = '{name="socketserver"}'
const CONTROLLER = '{controller="socketserver"}'

const rate = (metric: string, by: string, selector = ENGINE) =>
  `sum by (${by}) (rate(${metric}${selector}[$__rate_interval]))`
const quantile = (share: number, metric: string, by: string, selector = ENGINE) =>
  `histogram_quantile(${share}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${metric}_bucket${selector}[$__rate_interval])))`

/** The dashboard: rows of panels, in the order in which a person in trouble asks. */
const DASHBOARD_ROWS: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'Is it well?',
    panels: [
      {
        title: 'SocketServers that are not ready',
        kind: 'stat',
        unit: 'none',
        queries: [['sum(1 - max by (namespace, name) (socketserver_operator_ready{namespace=~"$namespace"}))', '']],
      },
      {
        title: 'Listeners that do not listen',
        kind: 'stat',
        unit: 'none',
        queries: [[`sum(1 - min by (namespace, socketserver, listener) (socketserver_listener_up${ENGINE}))`, '']],
      },
      {
        title: 'Pods that refuse their configuration',
        kind: 'stat',
        unit: 'none',
        queries: [[`sum(1 - socketserver_configuration_current${ENGINE})`, '']],
      },
      {
        title: 'First certificate to end',
        kind: 'stat',
        unit: 's',
        queries: [[`min(socketserver_certificate_not_after_timestamp_seconds${ENGINE}) - time()`, '']],
      },
      {
        title: 'Clients',
        kind: 'stat',
        unit: 'none',
        queries: [[`sum(socketserver_connections_open${ENGINE})`, '']],
      },
      {
        title: 'Defects',
        kind: 'stat',
        unit: 'none',
        queries: [[`sum(increase(socketserver_defects_total${ENGINE}[$__range]))`, '']],
      },
    ],
  },
  {
    title: 'Clients',
    panels: [
      {
        title: 'Connections accepted',
        kind: 'timeseries',
        unit: 'cps',
        queries: [
          [rate('socketserver_connections_accepted_total', 'socketserver, listener'), '{{socketserver}} {{listener}}'],
        ],
      },
      {
        title: 'Connections open',
        kind: 'timeseries',
        unit: 'none',
        queries: [[`sum by (socketserver, host) (socketserver_host_clients${ENGINE})`, '{{socketserver}} {{host}}']],
      },
      {
        title: 'Bytes',
        kind: 'timeseries',
        unit: 'Bps',
        queries: [[rate('socketserver_bytes_total', 'host, direction'), '{{host}} {{direction}}']],
      },
      {
        title: 'Refused, by reason',
        description: 'Clients turned away before they were served.',
        kind: 'timeseries',
        unit: 'cps',
        queries: [[rate('socketserver_connections_refused_total', 'host, reason'), '{{host}} {{reason}}']],
      },
      {
        title: 'Closed, by reason',
        kind: 'timeseries',
        unit: 'cps',
        queries: [[rate('socketserver_connections_closed_total', 'reason'), '{{reason}}']],
      },
      {
        title: 'Handshakes, by version and group',
        kind: 'timeseries',
        unit: 'cps',
        queries: [
          [
            rate('socketserver_handshakes_total', 'version, group, resumed'),
            '{{version}} {{group}} resumed: {{resumed}}',
          ],
        ],
      },
      {
        title: 'Duration of handshakes',
        kind: 'timeseries',
        unit: 's',
        queries: [
          [quantile(0.5, 'socketserver_handshake_seconds', 'listener'), '{{listener}} half'],
          [quantile(0.99, 'socketserver_handshake_seconds', 'listener'), '{{listener}} 99 %'],
        ],
      },
      {
        title: 'Changes of configuration',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          [
            `sum by (socketserver, outcome) (increase(socketserver_configuration_changes_total${ENGINE}[$__rate_interval]))`,
            '{{socketserver}} {{outcome}}',
          ],
        ],
      },
    ],
  },
  {
    title: 'Certificates and backends',
    panels: [
      {
        title: 'Time that is left to certificates',
        kind: 'table',
        unit: 's',
        queries: [
          [
            `min by (namespace, socketserver, host, secret, key_type) (socketserver_certificate_not_after_timestamp_seconds${ENGINE}) - time()`,
            '',
          ],
        ],
      },
      {
        title: 'Hosts that need a look, by grade',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          [
            `max by (socketserver, host, grade) (socketserver_certificate_grade${engine('grade=~"Warn|Fail"')}) > 0`,
            '{{socketserver}} {{host}} {{grade}}',
          ],
        ],
      },
      {
        title: 'Backends left out',
        kind: 'timeseries',
        unit: 'none',
        queries: [[`sum by (host, backend) (1 - socketserver_backend_healthy${ENGINE}) > 0`, '{{host}} {{backend}}']],
      },
      {
        title: 'Clients of backends',
        kind: 'timeseries',
        unit: 'none',
        queries: [[`sum by (host, backend) (socketserver_backend_clients${ENGINE})`, '{{host}} {{backend}}']],
      },
    ],
  },
  {
    title: 'Engines',
    panels: [
      {
        title: 'Processor',
        kind: 'timeseries',
        unit: 'none',
        queries: [[rate('socketserver_process_cpu_seconds_total', 'pod'), '{{pod}}']],
      },
      {
        title: 'Memory',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [[`sum by (pod) (socketserver_process_resident_memory_bytes${ENGINE})`, '{{pod}}']],
      },
      {
        title: 'Delay of the event loop, 99 %',
        kind: 'timeseries',
        unit: 's',
        queries: [[quantile(0.99, 'socketserver_event_loop_delay_seconds', 'pod'), '{{pod}}']],
      },
      {
        title: 'Open files, of those allowed',
        kind: 'timeseries',
        unit: 'percentunit',
        queries: [[`socketserver_process_open_fds${ENGINE} / socketserver_process_max_fds${ENGINE}`, '{{pod}}']],
      },
    ],
  },
  {
    title: 'Operator',
    panels: [
      {
        title: 'Who leads',
        kind: 'timeseries',
        unit: 'none',
        queries: [['leader_election_master_status{name="socketserver-operator"}', '{{pod}}']],
      },
      {
        title: 'Reconciles, by result',
        kind: 'timeseries',
        unit: 'ops',
        queries: [[rate('controller_runtime_reconcile_total', 'result', CONTROLLER), '{{result}}']],
      },
      {
        title: 'Duration of reconciles, 99 %',
        kind: 'timeseries',
        unit: 's',
        queries: [[quantile(0.99, 'controller_runtime_reconcile_time_seconds', '', CONTROLLER), '99 %']],
      },
      {
        title: 'What waits',
        kind: 'timeseries',
        unit: 'none',
        queries: [
          [`max(workqueue_depth${QUEUE})`, 'waiting'],
          [`max(controller_runtime_active_workers${CONTROLLER})`, 'worked on'],
        ],
      },
      {
        title: 'Longest work so far',
        kind: 'timeseries',
        unit: 's',
        queries: [[`max(workqueue_longest_running_processor_seconds${QUEUE})`, 'longest']],
      },
      {
        title: 'Calls of the API, by status code',
        kind: 'timeseries',
        unit: 'ops',
        queries: [
          [
            'sum by (code, method) (rate(rest_client_requests_total[$__rate_interval]) and on (job, instance) socketserver_operator_build_info)',
            '{{method}} {{code}}',
          ],
        ],
      },
    ],
  },
]

const COLUMNS = 24
const SIZE = { stat: [4, 4], timeseries: [12, 8], table: [24, 8] } as const
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

const panelJson = ({ title, kind, unit, queries, description }: Panel, place: object, id: number) => ({
  id,
  title,
  ...(description === undefined ? {} : { description }),
  type: kind,
  datasource: DATASOURCE,
  gridPos: place,
  fieldConfig: { defaults: { unit, ...(kind === 'timeseries' ? { min: 0 } : {}) }, overrides: [] },
  ...(kind === 'table'
    ? {
        options: { sortBy: [{ displayName: 'Value', desc: false }] },
        transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }],
      }
    : {}),
  targets: queries.map(([expr, legendFormat], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource: DATASOURCE,
    expr,
    legendFormat,
    ...(kind === 'table' ? { format: 'table', instant: true } : {}),
    ...(kind === 'stat' ? { instant: true } : {}),
  })),
})

const variable = (name: string, query: string) => ({
  name,
  type: 'query',
  datasource: DATASOURCE,
  query: { query, refId: name },
  definition: query,
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: '.*',
  current: { text: ['All'], value: ['$__all'] },
})

/** Places panels from left to right, and each row below the one before. */
function panels(): object[] {
  const placed: object[] = []
  let top = 0
  for (const { title, panels: ofRow } of DASHBOARD_ROWS) {
    placed.push({
      id: placed.length + 1,
      title,
      type: 'row',
      collapsed: false,
      gridPos: { x: 0, y: top, w: COLUMNS, h: 1 },
      panels: [],
    })
    top += 1
    let left = 0
    let height = 0
    for (const panel of ofRow) {
      const [w, h] = SIZE[panel.kind]
      if (left + w > COLUMNS) {
        top += height
        left = 0
        height = 0
      }
      placed.push(panelJson(panel, { x: left, y: top, w, h }, placed.length + 1))
      left += w
      height = Math.max(height, h)
    }
    top += height
  }
  return placed
}

/** The dashboard as Grafana reads it. */
export const dashboardJson = (): string =>
  `${JSON.stringify(
    {
      uid: 'socketserver',
      title: 'SocketServer',
      tags: ['socketserver'],
      schemaVersion: 39,
      editable: true,
      refresh: '30s',
      time: { from: 'now-3h', to: 'now' },
      templating: {
        list: [
          { name: 'datasource', type: 'datasource', query: 'prometheus', current: {} },
          variable('namespace', 'label_values(socketserver_build_info, namespace)'),
          variable('socketserver', 'label_values(socketserver_build_info{namespace=~"$namespace"}, socketserver)'),
        ],
      },
      panels: panels(),
    },
    null,
    1,
  )}\n`
