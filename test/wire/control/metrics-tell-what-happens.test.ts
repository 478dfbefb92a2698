import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { echo, startBackend } from '../../support/backend.ts'
import { eventually } from '../../support/eventually.ts'
import { forward, host, listener, socketServer } from '../../support/manifest.ts'
import { engineRuntime } from '../../support/runtime.ts'
import { connectTls } from '../../support/tls-client.ts'
import { startTlsEngine } from '../../support/tls-engine.ts'
import { ask, startTwoDoors } from '../../support/two-doors.ts'

describe('the metrics', () => {
  test('count the bytes of a connection while it is open, and once when it has ended', async () => {
    await using engine = await startTwoDoors()
    const bytes = async (listener: string, direction: string) =>
      (await engine.metrics()).sum('socketserver_bytes_total', { listener, host: 'a', direction })
    {
      await using client = await engine.tls.connect()
      await ask(client, 'x'.repeat(1000))
      expect([await bytes('tls', 'received'), await bytes('tls', 'sent')]).toEqual([1000, 1000])
      await ask(client, 'x'.repeat(500))
      expect([await bytes('tls', 'received'), await bytes('tls', 'sent')]).toEqual([1500, 1500])
      expect((await engine.metrics()).sum('socketserver_host_clients', { host: 'a' })).toBe(1)
    }
    await engine.waitForLog((line) => line.message === 'client closed' && line.receivedBytes === 1500)
    expect([await bytes('tls', 'received'), await bytes('tls', 'sent')]).toEqual([1500, 1500])
    expect((await engine.metrics()).sum('socketserver_host_clients', { host: 'a' })).toBe(0)
  })

  test('count handshakes by version, group, resumption and host, with their time', async () => {
    await using engine = await startTwoDoors()
    const target = { port: engine.tls.port, servername: 'a.test' }
    let session: Buffer
    {
      await using one = await connectTls({ ...target, minVersion: 'TLSv1.3', ecdhCurve: 'X25519' })
      await one.request('hello')
      session = await one.session()
    }
    {
      await using two = await connectTls({ ...target, minVersion: 'TLSv1.3', ecdhCurve: 'X25519', session })
      expect(two.resumed).toBe(true)
      await two.request('hello')
      await using three = await connectTls({ ...target, maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' })
      await three.request('hello')
    }
    const { sum } = await engine.metrics()
    const handshakes = (labels: Record<string, string>) =>
      sum('socketserver_handshakes_total', { host: 'a', ...labels })
    expect(handshakes({ version: 'TLSv1.3', group: 'X25519', resumed: 'false' })).toBe(1)
    expect(handshakes({ version: 'TLSv1.3', resumed: 'true' })).toBe(1)
    expect(handshakes({ version: 'TLSv1.2', group: 'P-256', resumed: 'false' })).toBe(1)
    expect(sum('socketserver_handshake_seconds_count', { listener: 'tls' })).toBe(3)
    expect(sum('socketserver_handshake_seconds_bucket', { listener: 'tls', le: '+Inf' })).toBe(3)
    expect(sum('socketserver_handshake_seconds_sum')).toBeGreaterThan(0)
  })

  test('count refusals by reason, apart from clients that were served', async () => {
    await using engine = await startTlsEngine([host()])
    {
      await using served = await connectTls({ port: engine.port, servername: 'a.test' })
      await served.request('hello')
    }
    await engine.refusal({ servername: 'other.test' })
    await engine.refusal({ servername: 'another.test' })
    await eventually(async () => {
      const { sum } = await engine.metrics()
      expect(sum('socketserver_connections_closed_total', { listener: 'tls' })).toBe(3)
      expect(sum('socketserver_connections_refused_total', { listener: 'tls', reason: 'UnknownHost', host: '' })).toBe(
        2,
      )
      expect(sum('socketserver_connections_refused_total')).toBe(2)
    })
  })

  test('tell certificates, backends, configurations and readiness', async () => {
    await using good = await startBackend(echo)
    const dead = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => dead.once('listening', resolve))
    const deadPort = (dead.address() as { port: number }).port
    await new Promise((resolve) => dead.close(resolve))
    await using engine = await startTwoDoors(
      {},
      { handler: forward([good.backend, { host: '127.0.0.1', port: deadPort }], { balance: 'RoundRobin' }) },
    )
    for (let i = 0; i < 2; i += 1) {
      await using client = await engine.tls.connect()
      await ask(client)
    }
    const { sum, text } = await engine.metrics()
    expect(sum('socketserver_backend_healthy', { host: 'a', backend: `127.0.0.1:${good.port}` })).toBe(1)
    expect(text).toContain(`socketserver_backend_healthy{host="a",backend="127.0.0.1:${deadPort}"} 0`)
    const notAfter = sum('socketserver_certificate_not_after_timestamp_seconds', { host: 'a', secret: 'a' })
    expect(notAfter * 1000).toBeGreaterThan(Date.now())
    expect(sum('socketserver_certificate_grade', { host: 'a', grade: 'OK' })).toBe(1)
    expect(sum('socketserver_configuration_current')).toBe(1)
    expect(sum('socketserver_ready')).toBe(1)

    await engine.writeManifest('nonsense: [')
    await eventually(async () => {
      const metrics = await engine.metrics()
      expect(metrics.sum('socketserver_configuration_changes_total', { outcome: 'refused' })).toBeGreaterThan(0)
      expect(metrics.sum('socketserver_configuration_current')).toBe(0)
    })
    const listeners = [
      listener({ port: engine.tls.port }),
      listener({ name: 'plain', port: engine.plain.port, tls: false }),
    ]
    await engine.writeManifest(socketServer({ listeners, icsHosts: [host({ default: true })], maxClients: 7 }))
    await eventually(async () => {
      const metrics = await engine.metrics()
      expect(metrics.sum('socketserver_configuration_changes_total', { outcome: 'accepted' })).toBe(1)
      expect(metrics.sum('socketserver_configuration_current')).toBe(1)
    })
  })

  test('tell how late the event loop is', async () => {
    await using engine = await startTwoDoors()
    const count = async () => (await engine.metrics()).sum('socketserver_event_loop_delay_seconds_count')
    const before = await count()
    await eventually(async () => expect(await count()).toBeGreaterThan(before + 5))
    const { text } = await engine.metrics()
    expect(text).toContain(`runtime="${engineRuntime} `)
    expect(text).toMatch(/^socketserver_event_loop_delay_seconds_bucket\{le="0\.1"\} \d+$/m)
  })
})
