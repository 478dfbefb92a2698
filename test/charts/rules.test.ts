import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { readExpression } from '../support/chart-tools/expression.ts'
import { CHART } from '../support/chart-tools/helm.ts'
import { metricTable } from '../support/chart-tools/metric-table.ts'
import { promtool } from '../support/chart-tools/promtool.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const text = readFileSync(join(CHART, 'files/rules.yaml'), 'utf8')
const alerts = (load(text) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules)

/** Seconds; promtool's time begins at 0. */
const DAY = 86_400
const certificate = (host: string, begin: number, end: number) => [
  series('socketserver_certificate_not_before_timestamp_seconds', certificateLabels(host), `${begin}x4000`),
  series('socketserver_certificate_not_after_timestamp_seconds', certificateLabels(host), `${end}x4000`),
]
const certificateLabels = (host: string) =>
  `namespace="shop",socketserver="edge",pod="edge-1",host="${host}",secret="${host}-tls",key_type="EC P-256"`
const series = (name: string, labels: string, values: string) => ({ series: `${name}{${labels}}`, values })
const engine = 'namespace="shop",socketserver="edge",pod="edge-1"'
const errors = 'controller_runtime_reconcile_errors_total'
const reconciles = 'controller_runtime_reconcile_total'
const LEADER = series('leader_election_master_status', 'name="socketserver-operator",pod="o-1"', '1x4000')

interface Case {
  readonly series: readonly { readonly series: string; readonly values: string }[]
  readonly at: string
  /** Labels of what fires, beside severity. */
  readonly fires: readonly string[]
}

const CASES: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  SocketServerCertificateExpired: {
    'a certificate past its end': {
      series: [...certificate('old', -DAY, 3600), ...certificate('good', 0, 90 * DAY)],
      at: '1h5m',
      fires: ['host="old",namespace="shop",secret="old-tls",socketserver="edge"'],
    },
    'not one with a minute left': { series: certificate('old', -DAY, 3600), at: '59m', fires: [] },
  },
  SocketServerCertificateExpiring: {
    '13 days of 90 are left': {
      series: certificate('late', -77 * DAY, 13 * DAY),
      at: '20m',
      fires: ['host="late",namespace="shop",secret="late-tls",socketserver="edge"'],
    },
    'a day of 6 is left': {
      series: certificate('short', -5 * DAY, DAY),
      at: '20m',
      fires: ['host="short",namespace="shop",secret="short-tls",socketserver="edge"'],
    },
    'not with 15 days of 90, 2 of 6, or 20 of 365': {
      series: [
        ...certificate('a', -75 * DAY, 15 * DAY),
        ...certificate('b', -4 * DAY, 2 * DAY),
        ...certificate('c', -345 * DAY, 20 * DAY),
      ],
      at: '1h',
      fires: [],
    },
    'not when it is over: another alert tells that': { series: certificate('old', -DAY, 600), at: '2h', fires: [] },
    'not before a quarter of an hour': { series: certificate('late', -77 * DAY, 13 * DAY), at: '10m', fires: [] },
  },
  SocketServerListenerDown: {
    'one listener of one pod': {
      series: [
        series('socketserver_listener_up', `${engine},listener="https"`, '1 0x100'),
        series(
          'socketserver_listener_up',
          'namespace="shop",socketserver="edge",pod="edge-2",listener="https"',
          '1x100',
        ),
        series('socketserver_listener_up', `${engine},listener="http"`, '1x100'),
      ],
      at: '7m',
      fires: ['listener="https",namespace="shop",socketserver="edge"'],
    },
    'not one that is opened anew': {
      series: [series('socketserver_listener_up', `${engine},listener="https"`, '1 0x100')],
      at: '3m',
      fires: [],
    },
    'not one that came back': {
      series: [series('socketserver_listener_up', `${engine},listener="https"`, '1 0x3 1x100')],
      at: '7m',
      fires: [],
    },
  },
  SocketServerConfigurationRefused: {
    'a pod goes on with an older one': {
      series: [series('socketserver_configuration_current', engine, '0x100')],
      at: '6m',
      fires: ['namespace="shop",socketserver="edge"'],
    },
    'not while a change is on its way': {
      series: [series('socketserver_configuration_current', engine, '1 0x100')],
      at: '3m',
      fires: [],
    },
    'not when it was taken at last': {
      series: [series('socketserver_configuration_current', engine, '0x9 1x100')],
      at: '12m',
      fires: [],
    },
  },
  SocketServerOperatorDown: {
    'nobody leads': {
      series: [series('leader_election_master_status', 'name="socketserver-operator",pod="o-1"', '0x100')],
      at: '6m',
      fires: [''],
    },
    'nobody is scraped': { series: [], at: '6m', fires: [''] },
    'not while one of two leads': {
      series: [LEADER, series('leader_election_master_status', 'name="socketserver-operator",pod="o-2"', '0x100')],
      at: '10m',
      fires: [],
    },
    'the lease of another program does not count': {
      series: [series('leader_election_master_status', 'name="other"', '1x100')],
      at: '6m',
      fires: [''],
    },
  },
  SocketServerOperatorNotReconciling: {
    'one is worked on for long': {
      series: [series('workqueue_longest_running_processor_seconds', 'name="socketserver"', '0+60x100')],
      at: '20m',
      fires: [''],
    },
    'every try fails': {
      series: [
        series(errors, 'controller="socketserver"', '0+1x100'),
        series(reconciles, 'controller="socketserver",result="error"', '0+1x100'),
        series(reconciles, 'controller="socketserver",result="success"', '7x100'),
      ],
      at: '30m',
      fires: [''],
    },
    'not when some succeed': {
      series: [
        series(errors, 'controller="socketserver"', '0+1x100'),
        series(reconciles, 'controller="socketserver",result="error"', '0+1x100'),
        series(reconciles, 'controller="socketserver",result="success"', '0+1x100'),
      ],
      at: '30m',
      fires: [],
    },
    'what waits is not worked on': {
      series: [
        series('workqueue_depth', 'name="socketserver"', '3x100'),
        series(reconciles, 'controller="socketserver",result="success"', '7x100'),
      ],
      at: '30m',
      fires: [''],
    },
    'not when nothing is to be done': {
      series: [
        series('workqueue_depth', 'name="socketserver"', '0x100'),
        series('workqueue_longest_running_processor_seconds', 'name="socketserver"', '0x100'),
        series(errors, 'controller="socketserver"', '2x100'),
        series(reconciles, 'controller="socketserver",result="success"', '7x100'),
      ],
      at: '30m',
      fires: [],
    },
  },
  SocketServerNotReady: {
    'one that is not, for a quarter of an hour': {
      series: [
        series('socketserver_operator_ready', 'namespace="shop",name="edge",pod="o-1"', '1 0x100'),
        series('socketserver_operator_ready', 'namespace="mail",name="edge",pod="o-1"', '1x100'),
      ],
      at: '20m',
      fires: ['name="edge",namespace="shop"'],
    },
    'not after ten minutes': {
      series: [series('socketserver_operator_ready', 'namespace="shop",name="edge",pod="o-1"', '0x100')],
      at: '10m',
      fires: [],
    },
  },
}

describe('the alerts', () => {
  test('each have a severity, a summary, a description and a runbook that says what to do', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(labels['severity'], alert).toMatch(/^(critical|warning)$/)
      expect(Object.keys(annotations).sort(), alert).toEqual(['description', 'runbook', 'summary'])
      expect(annotations['runbook'], alert).toMatch(/^1\. .*\n(.*\n)*\d\. /)
    }
  })

  test('ask for series and labels that exist, and speak of labels that they have', () => {
    const table = metricTable()
    for (const { alert, expr, annotations } of alerts) {
      const { series: asked, grouping } = readExpression(expr)
      expect(asked.length, alert).toBeGreaterThan(0)
      for (const { name, labels } of asked) {
        expect(table.has(name), `${alert}: ${name}`).toBe(true)
        for (const label of [...labels, ...grouping])
          expect([...(table.get(name) ?? [])], `${alert}: ${name}`).toContain(label)
      }
      const spoken = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
      expect(grouping, alert).toEqual(expect.arrayContaining([...new Set(spoken)]))
    }
  })

  test('are each tried with series that let them fire, and with some that do not', () => {
    expect(Object.keys(CASES).sort()).toEqual(alerts.map(({ alert }) => alert).sort())
    for (const [alert, cases] of Object.entries(CASES)) {
      const fires = Object.values(cases).map((one) => one.fires.length > 0)
      expect([...new Set(fires)].sort(), alert).toEqual([false, true])
    }
  })
})

describeChart(
  'promtool',
  () => {
    test('takes the rules', async () => {
      const { code, stdout, stderr } = await promtool(['check', 'rules'], { 'rules.yaml': text })
      expect(code, `${stdout}${stderr}`).toBe(0)
      expect(stdout).toContain(`${alerts.length} rules found`)
    })

    for (const [alert, cases] of Object.entries(CASES))
      test.each(Object.entries(cases))(`${alert}: %s`, async (_name, { series: input_series, at, fires }) => {
        const severity = alerts.find((one) => one.alert === alert)?.labels['severity']
        const sampled = fires.map((labels) => ({
          labels: `ALERTS{alertname="${alert}",alertstate="firing",severity="${severity}"${labels === '' ? '' : `,${labels}`}}`,
          value: 1,
        }))
        const { code, stdout, stderr } = await promtool(['test', 'rules'], {
          'rules.yaml': text,
          'tests.yaml': {
            rule_files: ['rules.yaml'],
            evaluation_interval: '1m',
            tests: [
              {
                interval: '1m',
                input_series,
                promql_expr_test: [
                  { expr: `ALERTS{alertname="${alert}",alertstate="firing"}`, eval_time: at, exp_samples: sampled },
                ],
              },
            ],
          },
        })
        expect(code, `${stdout}${stderr}`).toBe(0)
      })
  },
  { promtool: true },
)
