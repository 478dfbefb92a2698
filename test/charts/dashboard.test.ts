import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { readExpression } from '../support/chart-tools/expression.ts'
import { CHART } from '../support/chart-tools/helm.ts'
import { metricTable } from '../support/chart-tools/metric-table.ts'
import { promtool } from '../support/chart-tools/promtool.ts'

interface Panel {
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const dashboard = JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))
const variables = dashboard.templating.list.flatMap(({ name, definition }) =>
  definition === undefined
    ? []
    : [{ title: name, expr: /^label_values\((.*), \w+\)$/.exec(definition)?.[1] ?? '', legendFormat: '' }],
)

describe('the dashboard', () => {
  test('asks only for series that exist, by labels that they have', () => {
    const table = metricTable()
    for (const { title, expr, legendFormat } of [...queries, ...variables]) {
      const { series, grouping } = readExpression(expr)
      expect(series.length, title).toBeGreaterThan(0)
      for (const { name, labels } of series) {
        expect(table.has(name), `${title}: ${name}`).toBe(true)
        expect([...(table.get(name) ?? [])], `${title}: ${name}`).toEqual(expect.arrayContaining([...labels]))
      }
      const known = series.flatMap(({ name }) => [...(table.get(name) ?? [])])
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
      expect(known, title).toEqual(expect.arrayContaining([...grouping, ...named]))
    }
  })

  test('has pictures side by side that do not cover each other', () => {
    const cells = new Set<string>()
    for (const { title, gridPos } of dashboard.panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.has(`${x} ${y}`), title).toBe(false)
          expect(x, title).toBeLessThan(24)
          cells.add(`${x} ${y}`)
        }
  })

  test('the reader of expressions finds every series and label', () => {
    expect(readExpression('sum by (a, b) (rate(x_total{c="1",d=~"{2}"}[5m])) / on (e) y > bool 3')).toEqual({
      series: [
        { name: 'x_total', labels: ['c', 'd'] },
        { name: 'y', labels: [] },
      ],
      grouping: ['a', 'b', 'e'],
    })
  })
})

describeChart(
  'promtool',
  () => {
    test('understands every query of the dashboard', async () => {
      const rules = queries.map(({ expr }, index) => ({
        record: `query:${index}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h').replaceAll(/\$\w+/g, '.*'),
      }))
      const { code, stdout, stderr } = await promtool(['check', 'rules'], {
        'rules.yaml': { groups: [{ name: 'dashboard', rules }] },
      })
      expect(code, `${stdout}${stderr}`).toBe(0)
      expect(stdout).toContain(`${queries.length} rules found`)
    })
  },
  { promtool: true },
)
