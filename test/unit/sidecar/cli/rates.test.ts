import { expect, test } from 'vitest'
import { ratesBetween } from '../../../../sidecar/cli/rates.ts'
import type { TotalsReport } from '../../../../sidecar/control/control-socket/control-target.ts'

const totals = (changes: Partial<TotalsReport>): TotalsReport => ({
  ...{ name: 'edge', namespace: '', at: 0, uptimeSeconds: 9, clients: 3, stopping: false, listeners: [], hosts: [] },
  ...changes,
})
const one = { name: 'https', clients: 2, connections: 100, handshakes: 90, receivedBytes: 1000, sentBytes: 2000 }

test('rates are differences per second of the time between the looks', () => {
  const after = { ...one, clients: 5, connections: 110, handshakes: 95, receivedBytes: 3000, sentBytes: 2000 }
  const report = ratesBetween(totals({ at: 1000, listeners: [one] }), totals({ at: 3000, listeners: [after] }))
  expect(report).toMatchObject({ seconds: 2, clients: 3 })
  expect(report.listeners).toEqual([
    {
      ...{ name: 'https', clients: 5, connectionsPerSecond: 5, handshakesPerSecond: 2.5 },
      ...{ receivedBytesPerSecond: 1000, sentBytesPerSecond: 0 },
    },
  ])
})

test('what is new counts from 0, what is gone is not shown, and what was reset is never negative', () => {
  const before = totals({ at: 0, hosts: [one, { ...one, name: 'gone' }] })
  const after = totals({
    at: 1000,
    hosts: [
      { ...one, connections: 1 },
      { ...one, name: 'new' },
    ],
  })
  const { hosts } = ratesBetween(before, after)
  expect(hosts.map(({ name, connectionsPerSecond }) => [name, connectionsPerSecond])).toEqual([
    ['https', 0],
    ['new', 100],
  ])
})

test('two looks at one moment give no rates', () => {
  const same = totals({ at: 5, listeners: [one] })
  expect(ratesBetween(same, same).listeners[0]?.connectionsPerSecond).toBe(0)
})
