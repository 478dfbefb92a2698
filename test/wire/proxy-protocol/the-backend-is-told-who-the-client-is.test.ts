import { describe, expect, test } from 'vitest'
import { parseProxyHeader } from '../../../sidecar/engine/proxy-protocol/parse.ts'
import { HOST_TAG_TLV } from '../../../sidecar/handlers/proxy-protocol/encode-v2.ts'
import { type Backend, record, type Service, startBackend } from '../../support/backend.ts'
import { createAuthority } from '../../support/certificates.ts'
import { type EdgeOptions, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward } from '../../support/manifest.ts'
import { connectRaw } from '../../support/raw-client.ts'

const clients = createAuthority()

/** What the only connection of a backend received, once it has `count` bytes. */
async function received(backend: Backend, ending: string): Promise<Buffer> {
  return await eventually(() => {
    const bytes = backend.connections[0]?.received ?? Buffer.alloc(0)
    expect(bytes.toString('latin1').endsWith(ending)).toBe(true)
    return bytes
  })
}

/** Type-length-values, read by the rules of proxy-protocol.txt, 2.2, and by nothing of the product. */
function readTlvs(bytes: Buffer): Record<string, Buffer> {
  const tlvs: Record<string, Buffer> = {}
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 1)
    tlvs[`0x${bytes.readUInt8(at).toString(16).padStart(2, '0')}`] = bytes.subarray(at + 3, at + 3 + length)
    at += 3 + length
  }
  return tlvs
}

interface Header {
  readonly versionAndCommand: number
  readonly family: number
  readonly addresses: Buffer
  readonly tlvs: Record<string, Buffer>
  readonly rest: Buffer
}

/** A version 2 header, with what comes behind it. */
function readV2(bytes: Buffer): Header {
  expect(bytes.toString('hex', 0, 12)).toBe('0d0a0d0a000d0a515549540a')
  const end = 16 + bytes.readUInt16BE(14)
  const family = bytes.readUInt8(13)
  const addressesEnd = 16 + (family === 0x11 ? 12 : family === 0x21 ? 36 : 0)
  return {
    versionAndCommand: bytes.readUInt8(12),
    family,
    addresses: bytes.subarray(16, addressesEnd),
    tlvs: readTlvs(bytes.subarray(addressesEnd, end)),
    rest: bytes.subarray(end),
  }
}

/** Says a word at once, as servers do: under TLS 1.3 some send their tickets with their first bytes. */
const speakAndRecord: Service = (connection) => {
  connection.socket.write('ready')
  record(connection)
}

const startTold = async (proxyProtocol: string, options: Partial<EdgeOptions> = {}, host = {}) => {
  const backend = await startBackend(speakAndRecord)
  const hosts = [{ ...host, handler: forward([backend.backend], { proxyProtocol }) }]
  return { backend, edge: await startEdge({ hosts, ...options }) }
}

test('version 1 names both ends of an IPv4 client, and its bytes follow', async () => {
  const { backend, edge } = await startTold('V1', { listener: { tls: false } })
  await using _backend = backend
  await using _edge = edge
  await using client = await edge.connectPlain()
  await client.send('hello')
  const { localPort } = client.socket
  expect(String(await received(backend, 'hello'))).toBe(
    `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${edge.port}\r\nhello`,
  )
})

test('version 1 names both ends of an IPv6 client of a TLS listener', async () => {
  const { backend, edge } = await startTold('V1', { listener: { address: '::' } })
  await using _backend = backend
  await using _edge = edge
  await using client = await edge.connect({ host: '::1' })
  client.socket.write('hello')
  const { localPort } = client.transport
  expect(String(await received(backend, 'hello'))).toBe(`PROXY TCP6 ::1 ::1 ${localPort} ${edge.port}\r\nhello`)
})

test('an IPv4 client of a dual-stack listener is told in its own notation', async () => {
  const { backend, edge } = await startTold('V1', { listener: { address: '::', tls: false } })
  await using _backend = backend
  await using _edge = edge
  await using client = await edge.connectPlain()
  await client.send('hello')
  expect(String(await received(backend, 'hello'))).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 /)
})

test('a backend whose protocol lets the server speak first gets the header before the client says a word', async () => {
  const { backend, edge } = await startTold('V2', { listener: { tls: false } })
  await using _backend = backend
  await using _edge = edge
  await using _client = await edge.connectPlain()
  await eventually(() => expect(backend.connections[0]?.received.length).toBeGreaterThan(16))
})

describe('version 2', () => {
  test('tells addresses, clientId and hostTag of a plain client, and nothing of TLS', async () => {
    const { backend, edge } = await startTold('V2', { listener: { tls: false } }, { hostTag: 'shop' })
    await using _backend = backend
    await using _edge = edge
    await using client = await edge.connectPlain()
    await client.send('hello')
    const header = readV2(await received(backend, 'hello'))
    expect([header.versionAndCommand, header.family]).toEqual([0x21, 0x11])
    const ports = Buffer.alloc(4)
    ports.writeUInt16BE(client.socket.localPort ?? 0, 0)
    ports.writeUInt16BE(edge.port, 2)
    expect(header.addresses.toString('hex')).toBe(`7f0000017f000001${ports.toString('hex')}`)
    expect(Object.keys(header.tlvs).sort()).toEqual(['0x05', '0xe0'])
    expect(String(header.tlvs['0xe0'])).toBe('shop')
    expect(String(header.rest)).toBe('hello')
    client.socket.resetAndDestroy()
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(String(header.tlvs['0x05'])).toBe(line['clientId'])
  })

  test('tells IPv6 addresses in full', async () => {
    const { backend, edge } = await startTold('V2', { listener: { address: '::1' } })
    await using _backend = backend
    await using _edge = edge
    await using client = await edge.connect({ host: '::1' })
    client.socket.write('hello')
    const header = readV2(await received(backend, 'hello'))
    expect(header.family).toBe(0x21)
    expect(header.addresses.toString('hex', 0, 32)).toBe(`${'0'.repeat(31)}1`.repeat(2))
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'tells ALPN, server name, version, cipher and certificate of a client of %s, fresh and resumed',
    async (version) => {
      const { backend, edge } = await startTold(
        'V2',
        { prepare: (workspace) => workspace.copyConfigMap('clients-ca', { 'ca.crt': clients.cert }) },
        {
          hostTag: 'shop',
          tls: { alpn: ['h2', 'mqtt'] },
          clientCertificate: {
            method: 'Require',
            caRefs: [{ kind: 'ConfigMap', name: 'clients-ca', key: 'ca.crt' }],
          },
        },
      )
      await using _backend = backend
      await using _edge = edge
      const { certPem: cert, keyPem: key } = clients.issue({ commonName: 'Alice Müller', client: true })
      const options = { cert, key, ALPNProtocols: ['mqtt'], minVersion: version, maxVersion: version } as const
      await using client = await edge.connect(options)
      await client.until('ready')
      client.socket.write('hello')
      const { tlvs, rest } = readV2(await received(backend, 'hello'))
      expect(String(rest)).toBe('hello')
      expect(Object.keys(tlvs).sort()).toEqual(['0x01', '0x02', '0x05', '0x20', '0xe0'])
      expect(String(tlvs['0x01'])).toBe('mqtt')
      expect(String(tlvs['0x02'])).toBe('shop.test')
      expect(String(tlvs[`0x${HOST_TAG_TLV.toString(16)}`])).toBe('shop')
      const ssl = tlvs['0x20'] as Buffer
      // PP2_CLIENT_SSL, PP2_CLIENT_CERT_CONN and PP2_CLIENT_CERT_SESS; verify is 0: a certificate came, and is good.
      expect([ssl.readUInt8(0), ssl.readUInt32BE(1)]).toEqual([0x07, 0])
      const facts = readTlvs(ssl.subarray(5))
      expect(String(facts['0x21'])).toBe(version)
      expect(String(facts['0x22'])).toBe('Alice Müller')
      expect(String(facts['0x23'])).toBe(client.socket.getCipher().name)

      await using again = await edge.connect({ ...options, session: await client.session() })
      expect(again.resumed).toBe(true)
      again.socket.write('again')
      const bytes = await eventually(() => {
        const all = backend.connections[1]?.received ?? Buffer.alloc(0)
        expect(all.toString('latin1').endsWith('again')).toBe(true)
        return all
      })
      const resumed = readV2(bytes).tlvs['0x20'] as Buffer
      expect([resumed.readUInt8(0), resumed.readUInt32BE(1)]).toEqual([0x05, 0])
      expect(String(readTlvs(resumed.subarray(5))['0x22'])).toBe('Alice Müller')
    },
  )

  test('tells that a client showed no certificate', async () => {
    const { backend, edge } = await startTold('V2')
    await using _backend = backend
    await using _edge = edge
    await using client = await edge.connect()
    client.socket.write('hello')
    const { tlvs } = readV2(await received(backend, 'hello'))
    expect(Object.keys(tlvs).sort()).toEqual(['0x02', '0x05', '0x20', '0xe0'])
    const ssl = tlvs['0x20'] as Buffer
    expect(ssl.readUInt8(0)).toBe(0x01)
    expect(ssl.readUInt32BE(1)).not.toBe(0)
    expect(Object.keys(readTlvs(ssl.subarray(5))).sort()).toEqual(['0x21', '0x23'])
  })

  test('comes before TLS to a backend that is spoken to in TLS', async () => {
    const { backend, edge } = await startTold('V2', {}, {})
    await using _backend = backend
    await using _edge = edge
    const tls = { serverName: 'backend.internal' }
    await using other = await startEdge({
      hosts: [{ handler: forward([backend.backend], { proxyProtocol: 'V2', tls }) }],
    })
    await using _client = await other.connect()
    const bytes = await eventually(() => {
      const all = backend.connections[0]?.received ?? Buffer.alloc(0)
      expect(all.length).toBeGreaterThan(200)
      return all
    })
    // A TLS record with a ClientHello.
    expect([...readV2(bytes).rest.subarray(0, 2)]).toEqual([22, 3])
  })

  test('of a Passthrough host comes before the untouched hello, with the server name and without TLS facts', async () => {
    await using backend = await startBackend(record)
    const passthrough = { backends: [backend.backend], proxyProtocol: 'V2' }
    await using edge = await startEdge({
      hosts: [{ hostTag: 'through', certificate: undefined, handler: { type: 'Passthrough', passthrough } }],
    })
    await using client = await connectRaw({ port: edge.port })
    const { captureClientHello } = await import('../../support/client-hello.ts')
    const hello = await captureClientHello({ servername: 'through.test' })
    await client.send(hello)
    const bytes = await eventually(() => {
      const all = backend.connections[0]?.received ?? Buffer.alloc(0)
      expect(all.length).toBeGreaterThan(hello.length)
      return all
    })
    const { tlvs, rest } = readV2(bytes)
    expect(Object.keys(tlvs).sort()).toEqual(['0x02', '0x05', '0xe0'])
    expect(String(tlvs['0x02'])).toBe('through.test')
    expect(rest.equals(hello)).toBe(true)
  })

  test('is what the engine itself reads: an engine behind an engine knows the first client', async () => {
    await using backend = await startBackend(record)
    await using inner = await startEdge({
      listener: { tls: false, proxyProtocol: { mode: 'Require', trustedSources: ['127.0.0.1'] } },
      hosts: [{ handler: forward([backend.backend], { proxyProtocol: 'V1' }) }],
    })
    await using outer = await startEdge({
      hosts: [{ handler: forward([{ host: '127.0.0.1', port: inner.port }], { proxyProtocol: 'V2' }) }],
    })
    await using client = await outer.connect()
    client.socket.write('hello')
    const bytes = await received(backend, 'hello')
    expect(parseProxyHeader(bytes)).toMatchObject({
      kind: 'header',
      source: { address: '127.0.0.1', port: client.transport.localPort },
      destination: { address: '127.0.0.1', port: outer.port },
    })
  })
})
