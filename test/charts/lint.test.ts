import { expect, test } from 'vitest'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { CHART, helm } from '../support/chart-tools/helm.ts'
import { VALUE_SETS } from '../support/chart-tools/value-sets.ts'

describeChart('helm lint', () => {
  test.each(Object.entries(VALUE_SETS))('finds nothing: %s', async (_name, values) => {
    const { code, stdout, stderr } = await helm(['lint', '--strict', CHART], { values })
    expect(code, `${stdout}${stderr}`).toBe(0)
    expect(`${stdout}${stderr}`).not.toMatch(/\[(WARNING|ERROR)\]/)
  })
})

describeChart('values that are not the chart’s', () => {
  const wrong = {
    'a name that does not exist': [{ replica: 3 }, /replica\b/],
    'one below': [{ image: { registry: 'x' } }, /image.*registry/s],
    'one in a list': [{ tolerations: [{ keys: 'a' }] }, /tolerations.*keys/s],
    'one deep below': [{ metrics: { serviceMonitor: { enable: true } } }, /serviceMonitor.*enable\b/s],
    'a word for a number': [{ replicas: 'two' }, /replicas.*(string|integer)/s],
    'a policy that is none': [{ image: { pullPolicy: 'Sometimes' } }, /pullPolicy.*Always/s],
    'a tag with a repository': [{ image: { tag: 'a/b:c' } }, /tag/],
    'a namespace that is none': [{ watchNamespaces: ['Shop'] }, /watchNamespaces/],
    'a namespace twice': [{ watchNamespaces: ['shop', 'shop'] }, /watchNamespaces/],
    'a port that is none': [{ metrics: { port: 70_000 } }, /port.*65,535/s],
  } as const
  test.each(Object.entries(wrong))('are refused, and named: %s', async (_name, [values, named]) => {
    const { code, stderr } = await helm(['template', 'edge', CHART], { values })
    expect(code).not.toBe(0)
    expect(stderr).toMatch(named)
  })

  test('policies for engines need to know where', async () => {
    const { code, stderr } = await helm(['template', 'edge', CHART], { values: { networkPolicy: { engines: true } } })
    expect(code).not.toBe(0)
    expect(stderr).toContain('networkPolicy.engines needs watchNamespaces')
  })

  test('an old cluster is refused', async () => {
    const { code, stderr } = await helm(['template', 'edge', CHART, '--kube-version', 'v1.30.9'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('1.31')
  })
})
