import type { Registry } from 'prom-client'
import { OperatorMetrics } from '../../../operator/metrics.ts'
import { createMetrics, type MetricSources } from '../../../sidecar/control/admin/metrics.ts'

/** A metric as the code declares it. */
interface DeclaredMetric {
  readonly name: string
  readonly labelNames?: readonly string[]
}

/** Labels that Prometheus, the monitors of the chart, and histograms add. */
const ADDED = ['namespace', 'pod', 'job', 'instance', 'socketserver', 'le']

/** The labels of every series that engines and operator tell, by its name. */
export function metricTable(): ReadonlyMap<string, ReadonlySet<string>> {
  // Nothing is read from the sources before somebody scrapes.
  const engine = createMetrics({} as MetricSources)
  const operator = new OperatorMetrics({
    ...{ clock: { now: () => 0 }, version: '', workers: 1, lease: '' },
    ...{ isLeader: () => false, queue: () => undefined },
  }).registry
  const table = new Map<string, ReadonlySet<string>>()
  const declared = (registry: Registry) =>
    registry.getMetricsAsArray() as unknown as readonly (DeclaredMetric & { constructor: { name: string } })[]
  for (const metric of [...declared(engine), ...declared(operator)]) {
    const labels = new Set([...(metric.labelNames ?? []), ...ADDED])
    const isHistogram = /histogram/i.test(metric.constructor.name)
    for (const end of isHistogram ? ['_bucket', '_sum', '_count'] : ['']) table.set(`${metric.name}${end}`, labels)
  }
  return table
}
