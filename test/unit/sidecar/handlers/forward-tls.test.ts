import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { BackendTls } from '../../../../crds/index.ts'
import { parseProxyHeader } from '../../../../sidecar/engine/proxy-protocol/parse.ts'
import type { BackendMaterial } from '../../../../sidecar/handlers/backends/backend-tls.ts'
import { createForward } from '../../../../sidecar/handlers/forward.ts'
import {
  type Backend,
  type BackendOptions,
  echo,
  greet,
  record,
  type Service,
  startBackend,
} from '../../../support/backend.ts'
import { createAuthority, createDirectory } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { connectRaw } from '../../../support/raw-client.ts'
import { connectTls } from '../../../support/tls-client.ts'
import { forwardSpec } from './forward-spec.ts'
import { serveClients } from './serve-client.ts'

const ours = createAuthority()
const theirs = createAuthority()
const server = ours.issue({ names: ['shop.internal', '127.0.0.1'] })
const good: BackendMaterial = { ca: ours.rootPem }

const secureBackend = (service: Service = echo, options: BackendOptions['tls'] = {}) =>
  startBackend(service, { tls: { cert: server.certPem, key: server.keyPem, ...options } })

/** A listener that re-encrypts to the backends. */
async function reEncrypt(
  backends: readonly Backend[],
  { tls = { serverName: 'shop.internal' } as BackendTls, material = () => good, ...more } = {},
) {
  const spec = forwardSpec(backends, { tls, ...more })
  const handler = createForward({ spec, namespace: undefined, log: () => {}, material, connectMs: 1_000 })
  return { handler, ...(await serveClients(handler)) }
}

/** What the client of this port gets back for a word; empty when it is closed. */
async function answer(port: number): Promise<string> {
  await using client = await connectRaw({ port })
  client.socket.write('word')
  return (await client.bytes(4).catch(() => '')).toString()
}

describe('a backend with a good certificate', () => {
  test('gets the bytes, and the server name', async () => {
    const names: unknown[] = []
    await using backend = await secureBackend((connection) => {
      names.push((connection.socket as TLSSocket).servername)
      echo(connection)
    })
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('word')
    expect(names).toEqual(['shop.internal'])
  })

  test('is checked by its host when no server name is set, even when that is an IP address', async () => {
    await using backend = await secureBackend()
    await using listener = await reEncrypt([backend], { tls: {} })
    expect(await answer(listener.port)).toBe('word')
  })

  test('behind a UNIX socket is checked by the server name', async () => {
    const path = `${createDirectory()}/backend.sock`
    await using backend = await startBackend(echo, { path, tls: { cert: server.certPem, key: server.keyPem } })
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('word')
  })

  test('gets the PROXY protocol header before TLS', async () => {
    let header: Buffer = Buffer.alloc(0)
    await using backend = await startBackend(({ socket }) => {
      socket.once('data', (bytes: Buffer) => {
        header = bytes
        socket.destroy()
      })
    })
    await using listener = await reEncrypt([backend], { proxyProtocol: 'V2' } as never)
    await answer(listener.port)
    const verdict = parseProxyHeader(header)
    expect(verdict).toMatchObject({ kind: 'header', version: 2 })
    // What follows, if it came in the same piece, is a TLS record.
    if (verdict.kind === 'header' && header.length > verdict.length) expect(header[verdict.length]).toBe(0x16)
  })

  test('is offered the protocol that was agreed with the client', async () => {
    const agreed: unknown[] = []
    const options = { ALPNProtocols: ['http/1.1', 'h2'] }
    await using backend = await secureBackend(
      ({ socket }) => void agreed.push((socket as TLSSocket).alpnProtocol),
      options,
    )
    const spec = forwardSpec([backend], { tls: { serverName: 'shop.internal' } })
    const handler = createForward({ spec, namespace: undefined, log: () => {}, material: () => good })
    await using listener = await serveClients(handler, {
      tls: { cert: server.certPem, key: server.keyPem, ALPNProtocols: ['h2'] },
    })
    await using _ = await connectTls({ port: listener.port, ALPNProtocols: ['h2'] })
    await eventually(() => expect(agreed).toEqual(['h2']))
  })
})

describe('a backend that is not trusted gets no byte of the client', () => {
  test.each([
    ['of another CA', { material: () => ({ ca: theirs.rootPem }) }, /unable to verify|unable to get|signature/],
    ['of no CA the runtime knows', { material: () => ({}) }, /unable to verify|unable to get/],
    ['of another name', { tls: { serverName: 'pay.internal' } }, /pay\.internal.*shop\.internal/s],
  ])('%s', async (_, options, detail) => {
    await using backend = await secureBackend(record)
    await using listener = await reEncrypt([backend], options)
    expect(await answer(listener.port)).toBe('')
    const story = await listener.nextRecord()
    expect(story).toMatchObject({ reason: 'BackendUntrusted', backend: `127.0.0.1:${backend.port}` })
    expect(story.detail).toMatch(detail)
    expect(backend.connections.map((connection) => connection.received.length).join()).toMatch(/^0?$/)
  })

  test('of a name that is only its common name', async () => {
    const { certPem: cert, keyPem: key } = ours.issue({ commonName: 'shop.internal', names: ['else.internal'] })
    await using backend = await secureBackend(record, { cert, key })
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('')
    expect(await listener.nextRecord()).toMatchObject({ reason: 'BackendUntrusted' })
  })

  test('whose certificate is expired', async () => {
    const dates = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }
    const { certPem: cert, keyPem: key } = ours.issue({ names: ['shop.internal'], ...dates })
    await using backend = await secureBackend(record, { cert, key })
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('')
    const story = await listener.nextRecord()
    expect(story).toMatchObject({ reason: 'BackendUntrusted' })
    expect(story.detail).toContain('expired')
  })

  test('and the next backend serves', async () => {
    const { certPem: cert, keyPem: key } = theirs.issue({ names: ['shop.internal'] })
    await using bad = await secureBackend(greet('bad!'), { cert, key })
    await using backend = await secureBackend()
    await using listener = await reEncrypt([bad, backend])
    expect(await answer(listener.port)).toBe('word')
    expect(listener.handler.backends()).toMatchObject([{ healthy: false }, { healthy: true }])
  })
})

describe('a client certificate', () => {
  const credential = ours.issue({ commonName: 'edge', client: true })
  const demanding = { requestCert: true, rejectUnauthorized: true, ca: ours.rootPem }

  test('is shown to a backend that demands one', async () => {
    const names: unknown[] = []
    await using backend = await secureBackend((connection) => {
      names.push((connection.socket as TLSSocket).getPeerCertificate().subject?.CN)
      echo(connection)
    }, demanding)
    const material = { ca: ours.rootPem, cert: credential.certPem, key: credential.keyPem }
    await using listener = await reEncrypt([backend], { material: () => material })
    expect(await answer(listener.port)).toBe('word')
    expect(names).toEqual(['edge'])
  })

  // Under TLS 1.3 the backend's verdict follows a handshake that was complete for us.
  test.each([
    ['TLSv1.2', 'BackendUnreachable'],
    ['TLSv1.3', 'BackendReset'],
  ] as const)('that is missing is told by the backend, under %s', async (maxVersion, reason) => {
    await using backend = await secureBackend(echo, { ...demanding, maxVersion })
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('')
    const story = await listener.nextRecord()
    expect(story.reason).toBe(reason)
    expect(story.detail).toMatch(/certificate required|CERTIFICATE_REQUIRED|handshake failure|HANDSHAKE_FAILURE/i)
  })
})

describe('material', () => {
  test('that changes is used for the next connection', async () => {
    let material: BackendMaterial = { ca: theirs.rootPem }
    await using backend = await secureBackend()
    await using listener = await reEncrypt([backend], { material: () => material })
    expect(await answer(listener.port)).toBe('')
    material = good
    expect(await answer(listener.port)).toBe('word')
    material = { problem: 'ConfigMap "backend-ca" is missing' }
    expect(await answer(listener.port)).toBe('')
    await eventually(() => expect(listener.records).toHaveLength(3))
    expect(listener.records.find(({ clientId }) => clientId === 'c-3')).toMatchObject({
      reason: 'BackendUntrusted',
      detail: 'ConfigMap "backend-ca" is missing',
    })
  })

  test('that TLS cannot use closes the client with the cause', async () => {
    await using backend = await secureBackend()
    await using listener = await reEncrypt([backend], { material: () => ({ ca: 'no PEM', cert: 'x', key: 'y' }) })
    expect(await answer(listener.port)).toBe('')
    expect(await listener.nextRecord()).toMatchObject({
      reason: 'BackendUntrusted',
      detail: expect.stringMatching(/./),
    })
  })

  test('is needed', () => {
    const spec = forwardSpec([{ host: 'a', port: 1, weight: 1 }], { tls: {} })
    expect(() => createForward({ spec, namespace: undefined, log: () => {} })).toThrow(TypeError)
  })
})

describe('a backend without TLS', () => {
  test('that answers in plain text counts as refused', async () => {
    await using backend = await startBackend(greet('220 plain text\r\n'))
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('')
    expect(await listener.nextRecord()).toMatchObject({ reason: 'BackendUnreachable' })
  })

  test('that says nothing costs the connect time', async () => {
    await using backend = await startBackend(record)
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('')
    expect(await listener.nextRecord()).toMatchObject({ reason: 'BackendTimeout' })
  })

  test('that closes at once counts as refused', async () => {
    await using backend = await startBackend(({ socket }) => void socket.destroy())
    await using listener = await reEncrypt([backend])
    expect(await answer(listener.port)).toBe('')
    expect(await listener.nextRecord()).toMatchObject({ reason: 'BackendUnreachable' })
  })
})
