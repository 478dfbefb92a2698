import { expect, test } from 'vitest'
import { digest, startBackend } from '../../support/backend.ts'
import { createAuthority } from '../../support/certificates.ts'
import { captureClientHello } from '../../support/client-hello.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import type { LogLine } from '../../support/engine-output.ts'
import { eventually } from '../../support/eventually.ts'
import { forward } from '../../support/manifest.ts'
import { connectRaw } from '../../support/raw-client.ts'

const clients = createAuthority()

const closedLines = (edge: Edge): readonly LogLine[] =>
  edge.engine.lines.filter((line) => line.message === 'client closed')

test('the line of a client has every field: who, by which listener and host, how secured, to which backend, how much, how long, why it ended', async () => {
  await using backend = await startBackend(digest)
  await using edge = await startEdge({
    hosts: [
      {
        tls: { alpn: ['mqtt'] },
        clientCertificate: {
          method: 'Require',
          caRefs: [{ kind: 'ConfigMap', name: 'clients-ca', key: 'ca.crt' }],
        },
        handler: forward([backend.backend]),
      },
    ],
    prepare: (workspace) => workspace.copyConfigMap('clients-ca', { 'ca.crt': clients.cert }),
  })
  const { certPem: cert, keyPem: key } = clients.issue({ commonName: 'alice', client: true })
  const options = { cert, key, ALPNProtocols: ['mqtt'] }
  await using client = await edge.connect(options)
  client.socket.end('hello')
  expect((await client.toEnd()).length).toBe(64)
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toStrictEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    level: 'info',
    message: 'client closed',
    clientId: expect.stringMatching(/^\S+$/),
    listener: 'tls',
    host: 'a',
    peer: `127.0.0.1:${client.origin.port}`,
    serverName: 'a.test',
    alpn: 'mqtt',
    tlsVersion: 'TLSv1.3',
    cipher: client.cipher,
    group: client.group,
    resumed: false,
    clientSubject: 'CN=alice',
    backend: `127.0.0.1:${backend.port}`,
    receivedBytes: 5,
    sentBytes: 64,
    durationMs: expect.any(Number),
    reason: 'Completed',
  })
  expect(line['durationMs']).toBeGreaterThanOrEqual(0)

  await using again = await edge.connect({ ...options, session: await client.session() })
  again.socket.end('hello')
  await again.toEnd()
  await eventually(() => expect(closedLines(edge).length).toBe(2))
  expect(closedLines(edge)[1]).toMatchObject({ resumed: true, clientSubject: 'CN=alice', tlsVersion: 'TLSv1.3' })
  expect(closedLines(edge)[1]?.['clientId']).not.toBe(line['clientId'])
})

test('each connection has one line, whatever became of it, and none has a field that does not apply', async () => {
  await using edge = await startEdge({ hosts: [{}] })
  await expect(edge.connect({ servername: 'nobody.test' })).rejects.toThrow()
  await using http = await connectRaw({ port: edge.port })
  await http.send('GET / HTTP/1.1\r\n\r\n')
  expect((await http.toEnd()).toString()).toContain('400')
  http.socket.end()
  await using silent = await connectRaw({ port: edge.port })
  silent.socket.end()
  await silent.toEnd()
  await using good = await edge.connect()
  expect(await good.request('hello')).toBe('hello')
  good.transport.resetAndDestroy()
  await eventually(() => expect(closedLines(edge).length).toBe(4))
  const byReason = new Map(closedLines(edge).map((line) => [line['reason'], line]))
  expect([...byReason.keys()].sort()).toEqual(['ClientGone', 'ClientReset', 'NotTls', 'UnknownHost'])
  const [unknown, notTls] = [byReason.get('UnknownHost'), byReason.get('NotTls')]
  expect(unknown).toMatchObject({ serverName: 'nobody.test', detail: expect.stringMatching(/./) })
  for (const field of ['host', 'tlsVersion', 'cipher', 'clientSubject', 'backend', 'resumed'])
    expect(unknown).not.toHaveProperty(field)
  expect(notTls).not.toHaveProperty('serverName')
  const metrics = await edge.engine.metrics()
  expect(metrics.sum('socketserver_connections_accepted_total')).toBe(4)
  expect(metrics.sum('socketserver_connections_closed_total')).toBe(4)
})

test('a client cannot forge a line, nor steer the terminal of who reads it', async () => {
  await using edge = await startEdge({ hosts: [{}], engine: { args: ['--log', 'pretty'] } })
  const forged = 'x"\n00:00:00.000 info  forged \u001b[2J.test'
  const honest = `${'x'.repeat(forged.length - 5)}.test`
  // No client library sends such a name: it is written over one of the same length.
  const hello = await captureClientHello({ servername: honest })
  hello.write(forged, hello.indexOf(honest))
  await using client = await connectRaw({ port: edge.port })
  await client.send(hello)
  await client.toEnd()
  client.socket.destroy()
  await eventually(() => expect(edge.engine.text()).toContain('client closed'))
  expect(edge.engine.text()).not.toContain('\u001b')
  expect(edge.engine.text()).not.toMatch(/^00:00:00\.000 info {2}forged/m)
})
