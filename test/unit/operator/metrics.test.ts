import { expect, test } from 'vitest'
import { OperatorMetrics } from '../../../operator/metrics.ts'
import { parseMetrics } from '../../support/metrics.ts'

const createMetrics = () =>
  new OperatorMetrics({
    ...{ clock: { now: () => 0 }, version: '1', workers: 1, lease: 'lease' },
    ...{ isLeader: () => false, queue: () => undefined },
  })

test('each SocketServer has its series in every scrape, and none is held in between or once it is gone', async () => {
  const metrics = createMetrics()
  const host = { hostTag: 'a', grade: 'OK' as const, messages: [], certificates: [] }
  const hosts = [host, { ...host, hostTag: 'b' }, { ...host, hostTag: 'c', grade: 'Fail' as const }]
  metrics.observe('shop/edge', { clients: 3, readyReplicas: 2, icsHosts: hosts })
  const of = { namespace: 'shop', name: 'edge' }
  for (let scrape = 0; scrape < 2; scrape++) {
    const read = parseMetrics(await metrics.text())
    expect(read.sum('socketserver_operator_clients', of)).toBe(3)
    expect(read.sum('socketserver_operator_ready_pods', of)).toBe(2)
    expect(read.sum('socketserver_operator_hosts', { ...of, grade: 'OK' })).toBe(2)
    expect(read.sum('socketserver_operator_hosts', { ...of, grade: 'Fail' })).toBe(1)
    const gauge = metrics.registry.getSingleMetric('socketserver_operator_clients')
    expect(gauge && 'store' in gauge && [...(gauge.store as Map<string, unknown>).values()]).toEqual([])
  }
  metrics.forget('shop/edge')
  expect(await metrics.text()).not.toContain('name="edge"')
})
