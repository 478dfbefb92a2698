import { describe, expect, test } from 'vitest'
import { accept } from '../../../../operator/reconcile/accept.ts'
import { readReport } from '../../../../operator/reconcile/read-report.ts'
import { statusOf } from '../../../../operator/reconcile/status.ts'
import { hostStates, transitionsOf } from '../../../../operator/reconcile/transitions.ts'
import { certificate, factsOf, NOW, parentOf, podOf, reportOf } from './sample.ts'

describe('statusOf', () => {
  test('sums over pods what they tell, and names the pod where something is wrong', () => {
    const [listener] = reportOf().listeners
    const broken = reportOf({ clients: 4, listeners: [{ ...listener!, state: 'Closed', clients: 0, error: 'in use' }] })
    expect(statusOf(factsOf({ pods: [podOf('a'), podOf('b', broken)] }))).toMatchObject({
      observedGeneration: 3,
      clients: 7,
      readyListeners: '0/1',
      listeners: [{ name: 'https', state: 'Closed', readyPods: 1, clients: 3, error: 'pod "b": in use' }],
      nextCertificateExpiry: '2027-06-01T00:00:00Z',
    })
  })

  test('is equal when nothing changed, times of conditions included', () => {
    const first = statusOf(factsOf())
    expect(statusOf(factsOf({ before: first, now: NOW + 3_600_000 }))).toEqual(first)
  })

  test('moves the time of a condition with its status alone', () => {
    const before = statusOf(factsOf())
    const later = factsOf({ before, generation: 4, now: NOW + 5_000, pods: [podOf('a')] })
    const after = statusOf(later).conditions ?? []
    const time = (type: string) => after.find((one) => one.type === type)?.lastTransitionTime
    expect([time('Accepted'), time('Programmed')]).toEqual(['2026-11-25T12:00:00Z', '2026-11-25T12:00:05Z'])
  })

  test('keeps what was last known while no pod can be heard', () => {
    const before = statusOf(factsOf())
    const { icsHosts, listeners } = statusOf(factsOf({ before, pods: [] }))
    expect([icsHosts, listeners]).toEqual([before.icsHosts, before.listeners])
  })

  test('of 512 hosts with a hundred names each fits into an object', () => {
    const names = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(60)}.${'y'.repeat(60)}.example${i}.com`)
    const icsHosts = Array.from({ length: 512 }, (_, i) => ({
      ...{ hostTag: `host-${i}`, grade: 'OK' as const, messages: [] },
      certificates: [certificate({ names })],
    }))
    const status = statusOf(factsOf({ pods: [podOf('a', reportOf({ icsHosts }))] }))
    expect(status.icsHosts).toHaveLength(512)
    expect(JSON.stringify(status).length).toBeLessThan(1_400_000)
  })
})

describe('readReport', () => {
  const told = { ...reportOf(), name: 'edge', namespace: 'shop' }
  test('reads what an engine tells, and nothing else of it', () => {
    expect(readReport({ ...told, later: { anything: 1 } }, 'edge', 'shop')).toEqual(reportOf())
  })
  test.each([
    ['no object', 'text', /no object/],
    ['the engine of another SocketServer', { ...told, name: 'other' }, /engine of "shop\/other"/],
    ['no hash', { ...told, configHash: 7 }, /configHash/],
    ['no list', { ...told, listeners: {} }, /listeners/],
    ['a strange state', { ...told, listeners: [{ ...told.listeners[0], state: 'Perhaps' }] }, /state is none of/],
    ['a negative count', { ...told, clients: -1 }, /clients/],
  ])('refuses %s', (_name, value, message) => {
    expect(() => readReport(value, 'edge', 'shop')).toThrow(message)
  })
  test('takes no more than the contract has room for', () => {
    const [host] = told.icsHosts
    const messages = Array.from({ length: 100 }, () => 'm'.repeat(5_000))
    const { icsHosts } = readReport({ ...told, icsHosts: [{ ...host, messages }] }, 'edge', 'shop')
    expect(icsHosts[0]?.messages).toEqual(Array.from({ length: 32 }, () => 'm'.repeat(1_024)))
  })
})

describe('transitionsOf', () => {
  const statusWith = (notAfter: string, more: object = {}) =>
    statusOf(
      factsOf({
        pods: [
          podOf(
            'a',
            reportOf({
              icsHosts: [
                { hostTag: 'shop', grade: 'OK', messages: [], certificates: [certificate({ notAfter, ...more })] },
              ],
            }),
          ),
          podOf('b'),
        ],
      }),
    )
  const reasonsOf = (
    before: ReturnType<typeof statusWith>,
    after: ReturnType<typeof statusWith>,
    from = NOW,
    to = NOW,
  ) => transitionsOf(before, after, hostStates(before, from, 30), hostStates(after, to, 30)).map(({ reason }) => reason)
  const good = statusWith('2027-06-01T00:00:00Z')
  const near = statusWith('2026-12-10T00:00:00Z')

  test('the first status tells that it is ready, and what is served', () => {
    expect(
      transitionsOf({}, good, hostStates({}, NOW, 30), hostStates(good, NOW, 30)).map(({ reason }) => reason),
    ).toEqual(['Ready', 'CertificateLoaded'])
  })
  test('the same again is no news, however often', () => {
    for (const status of [good, near]) expect(reasonsOf(status, status)).toEqual([])
  })
  test.each([
    ['it comes near its end', good, near, ['CertificateExpiring']],
    ['it is renewed', near, statusWith('2027-06-01T00:00:00Z', { sha256: 'b'.repeat(64) }), ['CertificateRecovered']],
    ['another is served', good, statusWith('2027-06-01T00:00:00Z', { sha256: 'b'.repeat(64) }), ['CertificateLoaded']],
    [
      'what lies there is refused',
      good,
      statusWith('2027-06-01T00:00:00Z', { lastKnownGood: true }),
      ['CertificateRefused'],
    ],
  ])('when %s', (_name, before, after, reasons) => {
    expect(reasonsOf(before, after)).toEqual(reasons)
  })
  test('time alone makes one event when it crosses the end', () => {
    const end = Date.parse('2026-12-10T00:00:00Z')
    expect(reasonsOf(near, near, end - 1, end + 1)).toEqual(['CertificateExpired'])
    expect(reasonsOf(near, near, end + 1, end + 3_600_000)).toEqual([])
  })
  test('many hosts that step alike make one event that names the first of them, few make one each', () => {
    const withHosts = (count: number) => {
      const icsHosts = Array.from({ length: count }, (_, i) => ({
        ...{ hostTag: `host-${i}`, grade: 'OK' as const, messages: [] },
        certificates: [certificate()],
      }))
      const status = statusOf(factsOf({ pods: [podOf('a', reportOf({ icsHosts })), podOf('b')] }))
      const before = { ...status, icsHosts: [] }
      return transitionsOf(before, status, hostStates(before, NOW, 30), hostStates(status, NOW, 30))
    }
    // The other pod tells of one more.
    expect(withHosts(2).map(({ reason }) => reason)).toEqual(Array(3).fill('CertificateLoaded'))
    const [only, ...others] = withHosts(512)
    expect(others).toEqual([])
    expect(only?.note).toMatch(/^host "host-0" serves .*; host "host-1" serves .*; and 510 more hosts$/)
  })
  test('an invalid generation is told once', () => {
    const invalid = statusOf(factsOf({ acceptance: accept(parentOf({ listeners: [] })), before: good }))
    const reasons = (before: typeof good) =>
      transitionsOf(before, invalid, hostStates(before, NOW, 30), hostStates(invalid, NOW, 30)).map(
        ({ reason }) => reason,
      )
    expect(reasons(good)).toEqual(['Invalid', 'NotReady'])
    expect(reasons(invalid)).toEqual([])
  })
})
