import { describe, expect, test } from 'vitest'
import { digest, type Service, startBackend } from '../../support/backend.ts'
import { createAuthority } from '../../support/certificates.ts'
import { sha256 } from '../../support/digest.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward, type Part } from '../../support/manifest.ts'

const WORDS = Buffer.from('the last words of the client '.repeat(40_000))

/** Ends its own direction at once, and reads on. */
const endFirst: Service = (connection) => {
  connection.socket.on('data', (chunk: Buffer) => {
    connection.received = Buffer.concat([connection.received, chunk])
  })
  connection.socket.end('the last words of the backend')
}

const internal = createAuthority()
const backendCertificate = internal.issue({ names: ['backend.internal'] })

type Way = {
  readonly listener: Part
  readonly client: Part
  readonly isReEncrypted?: boolean
}
const WAYS: Readonly<Record<string, Way>> = {
  'plain text': { listener: { tls: false }, client: {} },
  'TLS 1.3': { listener: {}, client: { minVersion: 'TLSv1.3' } },
  'TLS 1.2': { listener: {}, client: { maxVersion: 'TLSv1.2' } },
  'TLS on both sides': { listener: {}, client: {}, isReEncrypted: true },
}

describe.each(Object.entries(WAYS))('over %s', (_name, { listener, client: clientOptions, isReEncrypted = false }) => {
  const start = async (service: Service) => {
    const { certPem: cert, keyPem: key } = backendCertificate
    const backend = await startBackend(service, isReEncrypted ? { tls: { cert, key } } : {})
    const tls = { serverName: 'backend.internal', caRef: { kind: 'ConfigMap', name: 'internal', key: 'ca.crt' } }
    const edge = await startEdge({
      listener,
      hosts: [{ handler: forward([backend.backend], isReEncrypted ? { tls } : {}) }],
      prepare: (workspace) => workspace.copyConfigMap('internal', { 'ca.crt': internal.cert }),
    })
    return { backend, edge }
  }
  const connect = (edge: Edge) => (listener.tls === false ? edge.connectPlain() : edge.connect(clientOptions))

  test('a client that ends its direction still gets the reply to all it sent', async () => {
    const { backend, edge } = await start(digest)
    await using _backend = backend
    await using _edge = edge
    await using client = await connect(edge)
    client.socket.end(WORDS)
    expect((await client.toEnd(10_000)).toString()).toBe(sha256(WORDS))
    expect(client.broken()).toBeUndefined()
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ reason: 'Completed', receivedBytes: WORDS.length, sentBytes: 64 })
    await eventually(() => expect(backend.connections).toMatchObject([{ ended: true, closed: true }]))
  })

  test('a backend that ends its direction still gets the bytes of the client', async () => {
    const { backend, edge } = await start(endFirst)
    await using _backend = backend
    await using _edge = edge
    await using client = await connect(edge)
    expect((await client.toEnd()).toString()).toBe('the last words of the backend')
    expect(client.broken()).toBeUndefined()
    // The client was told the end; its own direction is open as long as it likes.
    client.socket.write(WORDS.subarray(0, 1_000))
    await eventually(() => expect(backend.connections[0]?.received.length).toBe(1_000))
    client.socket.end(WORDS.subarray(1_000))
    await eventually(() => expect(backend.connections).toMatchObject([{ ended: true }]), { withinMs: 10_000 })
    expect(backend.connections[0]?.received.equals(WORDS)).toBe(true)
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ reason: 'Completed', receivedBytes: WORDS.length, sentBytes: 29 })
  })

  test('a client that breaks off is told to the backend as a break, not as an end', async () => {
    const { backend, edge } = await start(digest)
    await using _backend = backend
    await using _edge = edge
    await using client = await connect(edge)
    client.socket.write('half of it')
    await eventually(() => expect(backend.connections[0]?.receivedBytes).toBe(10))
    const transport = 'transport' in client ? client.transport : client.socket
    transport.resetAndDestroy()
    await eventually(() => expect(backend.connections).toMatchObject([{ ended: false, closed: true }]))
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ reason: 'ClientReset', receivedBytes: 10 })
  })
})
