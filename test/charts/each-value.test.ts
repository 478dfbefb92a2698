import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { valueEntries } from '../../charts/value-comments.ts'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { CHART, helm, type Values } from '../support/chart-tools/helm.ts'

const ENABLED = { enabled: true }

/** Everything is on, so that each value has something to say. */
const FULL: Values = {
  watchNamespaces: ['shop'],
  metrics: { serviceMonitor: ENABLED, podMonitor: ENABLED, prometheusRule: ENABLED, dashboard: ENABLED },
  networkPolicy: { enabled: true, engines: true },
}

/** Another value for each. */
const OTHERS: Readonly<Record<string, unknown>> = {
  fullnameOverride: 'other',
  'image.repository': 'registry.example.com/other',
  'image.tag': '9',
  'image.pullPolicy': 'Never',
  'engine.image.repository': 'registry.example.com/other',
  'engine.image.tag': '9',
  'engine.image.pullPolicy': 'Never',
  'engine.preStopSeconds': 7,
  imagePullSecrets: [{ name: 'other' }],
  replicas: 3,
  watchNamespaces: ['other'],
  watchSecrets: true,
  'crds.enabled': false,
  'crds.keep': false,
  workers: 3,
  logFormat: 'pretty',
  'serviceAccount.create': false,
  'serviceAccount.name': 'other',
  'serviceAccount.annotations': { other: 'yes' },
  'rbac.create': false,
  'rbac.aggregate': false,
  resources: { limits: { memory: '1Gi' } },
  'podDisruptionBudget.enabled': false,
  'podDisruptionBudget.maxUnavailable': '30%',
  podLabels: { other: 'yes' },
  podAnnotations: { other: 'yes' },
  nodeSelector: { other: 'yes' },
  tolerations: [{ key: 'other', operator: 'Exists' }],
  affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  topologySpreadConstraints: [],
  priorityClassName: 'other',
  'metrics.port': 9999,
  'metrics.service.annotations': { other: 'yes' },
  'metrics.serviceMonitor.enabled': false,
  'metrics.serviceMonitor.interval': '7s',
  'metrics.serviceMonitor.labels': { other: 'yes' },
  'metrics.podMonitor.enabled': false,
  'metrics.podMonitor.interval': '7s',
  'metrics.podMonitor.labels': { other: 'yes' },
  'metrics.prometheusRule.enabled': false,
  'metrics.prometheusRule.labels': { other: 'yes' },
  'metrics.dashboard.enabled': false,
  'metrics.dashboard.labels': { other: 'yes' },
  'metrics.dashboard.annotations': { other: 'yes' },
  'networkPolicy.enabled': false,
  'networkPolicy.engines': false,
  'networkPolicy.apiServerPorts': [1234],
  'networkPolicy.metricsFrom': [{ podSelector: {} }],
}

const renderWith = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await helm(['template', 'edge', CHART, ...args], { values: FULL })
  expect(code, stderr).toBe(0)
  return stdout
}

test('another value is tried for each', () => {
  const leaves = valueEntries(readFileSync(join(CHART, 'values.yaml'), 'utf8')).filter(({ isGroup }) => !isGroup)
  expect(Object.keys(OTHERS).sort()).toEqual(leaves.map(({ path }) => path).sort())
})

describeChart('a value', () => {
  test('changes what is rendered, whichever it is', async () => {
    const before = await renderWith()
    expect(await renderWith()).toBe(before)
    const idle: string[] = []
    for (const [path, value] of Object.entries(OTHERS))
      if ((await renderWith('--set-json', `${path}=${JSON.stringify(value)}`)) === before) idle.push(path)
    expect(idle).toEqual([])
  })
})
