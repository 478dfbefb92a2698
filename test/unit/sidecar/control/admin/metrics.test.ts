import { afterEach, describe, expect, test } from 'vitest'
import { Counts } from '../../../../../sidecar/control/admin/counts.ts'
import { createMetrics } from '../../../../../sidecar/control/admin/metrics.ts'
import type { ServerView } from '../../../../../sidecar/control/server-view.ts'
import { CLOSE_REASONS, type CloseReason } from '../../../../../sidecar/engine/close-reason.ts'
import type { ClientRecord, LiveTraffic, TlsFacts } from '../../../../../sidecar/engine/ports.ts'
import { parseMetrics } from '../../../../support/metrics.ts'

const view: ServerView = {
  listenStates: () => [
    {
      name: 'https',
      state: 'Listening',
      address: '::',
      port: 443,
      socketFamily: 'Any',
      tls: true,
      clients: 3,
      error: '',
    },
    {
      name: 'http',
      state: 'Closed',
      address: '::',
      port: 80,
      socketFamily: 'Any',
      tls: false,
      clients: 0,
      error: 'in use',
    },
  ],
  hosts: () => [
    {
      hostTag: 'shop',
      grade: 'Warn',
      messages: [],
      certificates: [
        {
          secretName: 'shop-tls',
          subject: 'CN=shop',
          names: ['shop.test'],
          issuer: 'CN=CA',
          serialNumber: '01',
          sha256: 'ab',
          keyType: 'EC P-256',
          notBefore: '2026-01-01T00:00:00.000Z',
          notAfter: '2027-01-01T00:00:00.000Z',
          grade: 'Warn',
          lastKnownGood: false,
        },
      ],
    },
  ],
  backends: () => [{ hostTag: 'shop', name: '127.0.0.1:8080', healthy: false, clients: 2 }],
  clientCount: 3,
  liveTraffic: () => live,
  unresolved: () => [],
}
let live: LiveTraffic[] = []
afterEach(() => {
  live = []
})
const facts: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  group: 'X25519MLKEM768',
  resumed: false,
  peerCertificate: undefined,
}
const record: ClientRecord = {
  clientId: 'c-1',
  listener: 'https',
  hostTag: 'shop',
  peerAddress: '192.0.2.1',
  peerPort: 1234,
  localAddress: '192.0.2.2',
  localPort: 443,
  serverName: 'evil"name',
  alpnProtocol: undefined,
  tls: facts,
  backend: '127.0.0.1:8080',
  receivedBytes: 10,
  sentBytes: 20,
  durationMs: 5,
  reason: 'Completed',
  detail: '',
}
const CLOSE_REASON_NAMES = Object.keys(CLOSE_REASONS) as CloseReason[]
const setUp = () => {
  const counts = new Counts()
  const registry = createMetrics({
    counts,
    view,
    identity: () => ({ name: 'edge', namespace: 'shop', generation: 3, configHash: 'abc' }),
    version: '0.1.0',
    isReady: () => true,
    isCurrent: () => true,
    droppedLines: () => 7,
    eventLoop: () => ({ buckets: [5, 1, 0, 0, 0, 0, 0, 0, 0, 0], sum: 0.5, count: 7 }),
  })
  return { counts, read: async () => parseMetrics(await registry.metrics()) }
}

describe('the metrics', () => {
  test('all begin with socketserver_', async () => {
    const { text } = await setUp().read()
    const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(names.filter((line) => !line.startsWith('socketserver_'))).toEqual([])
    expect(names.length).toBeGreaterThan(30)
  })

  test('tell the configuration, listeners, certificates and backends', async () => {
    const { sum, text } = await setUp().read()
    expect(text).toContain('socketserver_configuration_info{name="edge",namespace="shop",generation="3",hash="abc"} 1')
    expect(sum('socketserver_ready')).toBe(1)
    expect(sum('socketserver_listener_up', { listener: 'https' })).toBe(1)
    expect(text).toContain('socketserver_listener_up{listener="http"} 0')
    expect(sum('socketserver_connections_open', { listener: 'https' })).toBe(3)
    const labels = { host: 'shop', secret: 'shop-tls', key_type: 'EC P-256' }
    expect(sum('socketserver_certificate_not_after_timestamp_seconds', labels)).toBe(1798761600)
    expect(sum('socketserver_certificate_not_before_timestamp_seconds', labels)).toBe(1767225600)
    expect(sum('socketserver_certificate_grade', { host: 'shop', grade: 'Warn' })).toBe(1)
    expect(sum('socketserver_certificate_grade', { host: 'shop' })).toBe(1)
    expect(text).toContain('socketserver_backend_healthy{host="shop",backend="127.0.0.1:8080"} 0')
    expect(sum('socketserver_backend_clients')).toBe(2)
    expect(sum('socketserver_log_lines_dropped_total')).toBe(7)
  })

  test('a listener without clients shows zeros', async () => {
    const { text } = await setUp().read()
    expect(text).toContain('socketserver_connections_accepted_total{listener="http"} 0')
    expect(text).toContain('socketserver_bytes_total{listener="http",host="",direction="sent"} 0')
  })

  test('count connections, closes, bytes and handshakes, and each read shows the total', async () => {
    const { counts, read } = setUp()
    counts.clientOpened('https')
    counts.clientOpened('https')
    counts.handshakeDone('https', 'shop', facts, 4)
    counts.handshakeDone('https', 'shop', { ...facts, resumed: true, group: '' }, 60_000)
    counts.clientClosed(record)
    counts.clientClosed({ ...record, hostTag: '', reason: 'UnknownHost', receivedBytes: 0, sentBytes: 7 })
    await read()
    const { sum, text } = await read()
    expect(sum('socketserver_connections_accepted_total', { listener: 'https' })).toBe(2)
    expect(sum('socketserver_connections_closed_total', { listener: 'https', host: 'shop', reason: 'Completed' })).toBe(
      1,
    )
    expect(sum('socketserver_connections_closed_total', { host: '', reason: 'UnknownHost' })).toBe(1)
    expect(sum('socketserver_bytes_total', { listener: 'https', direction: 'received' })).toBe(10)
    expect(sum('socketserver_bytes_total', { listener: 'https', direction: 'sent' })).toBe(27)
    expect(
      sum('socketserver_handshakes_total', { version: 'TLSv1.3', group: 'X25519MLKEM768', resumed: 'false' }),
    ).toBe(1)
    expect(sum('socketserver_handshakes_total', { group: 'none', resumed: 'true' })).toBe(1)
    expect(text).toContain('socketserver_handshake_seconds_bucket{le="0.0025",listener="https"} 0')
    expect(text).toContain('socketserver_handshake_seconds_bucket{le="0.005",listener="https"} 1')
    expect(text).toContain('socketserver_handshake_seconds_bucket{le="10",listener="https"} 1')
    expect(text).toContain('socketserver_handshake_seconds_bucket{le="+Inf",listener="https"} 2')
    expect(text).toContain('socketserver_handshake_seconds_count{listener="https"} 2')
    expect(sum('socketserver_handshake_seconds_sum')).toBeCloseTo(60.004)
    expect(text).not.toContain('evil')
  })

  test('bytes and clients of connections that are open count already', async () => {
    const { counts, read } = setUp()
    counts.clientClosed(record)
    live = [{ listener: 'https', hostTag: 'shop', clients: 2, receivedBytes: 1000, sentBytes: 2000 }]
    const during = await read()
    expect(during.sum('socketserver_bytes_total', { listener: 'https', host: 'shop', direction: 'received' })).toBe(
      1010,
    )
    expect(during.sum('socketserver_host_clients', { host: 'shop' })).toBe(2)
    // The clients end: what was live is told by their records, and the sum goes on from where it was.
    live = []
    counts.clientClosed({ ...record, receivedBytes: 1000, sentBytes: 2000 })
    const after = await read()
    expect(after.sum('socketserver_bytes_total', { listener: 'https', host: 'shop', direction: 'received' })).toBe(1010)
    expect(after.text).toContain('socketserver_host_clients{host="shop"} 0')
  })

  test('refusals are the closes before a handler had the client, and no other', async () => {
    const { counts, read } = setUp()
    for (const reason of CLOSE_REASON_NAMES) counts.clientClosed({ ...record, reason })
    const { text, sum } = await read()
    const told = [...text.matchAll(/^socketserver_connections_refused_total\{.*reason="(\w+)"\} 1$/gm)].map(
      ([, name]) => name,
    )
    expect(told).toContain('TooBusy')
    expect(told).toContain('UnknownHost')
    expect(told).toContain('ClientCertificateMissing')
    for (const name of ['Completed', 'ClientGone', 'ClientReset', 'BackendReset', 'Disconnected', 'ServerStopped'])
      expect(told).not.toContain(name)
    expect(sum('socketserver_connections_closed_total')).toBe(CLOSE_REASON_NAMES.length)
  })

  test('tell how late the event loop was', async () => {
    const { text } = await setUp().read()
    expect(text).toContain('socketserver_event_loop_delay_seconds_bucket{le="0.005"} 5')
    expect(text).toContain('socketserver_event_loop_delay_seconds_bucket{le="0.01"} 6')
    expect(text).toContain('socketserver_event_loop_delay_seconds_bucket{le="+Inf"} 7')
    expect(text).toContain('socketserver_event_loop_delay_seconds_sum 0.5')
  })

  test('clients cannot grow the set of series', async () => {
    const { counts, read } = setUp()
    for (let i = 0; i < 1000; i++) counts.handshakeDone('https', 'shop', { ...facts, group: `g${i}` }, 1)
    const { sum, text } = await read()
    expect(text.split('\n').filter((line) => line.startsWith('socketserver_handshakes_total')).length).toBeLessThan(40)
    expect(sum('socketserver_handshakes_total')).toBe(1000)
  })
})
