import { describe, expect, test } from 'vitest'
import { captureClientHello } from '../../support/client-hello.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import type { LogLine } from '../../support/engine-output.ts'
import { eventually } from '../../support/eventually.ts'
import { v2Header } from '../../support/proxy-header.ts'
import { connectRaw } from '../../support/raw-client.ts'

const V1 = 'PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n'
const V2 = v2Header({ source: '192.0.2.7', destination: '198.51.100.9', sourcePort: 4711, destinationPort: 443 })

const startProxied = (mode: string, trustedSources: readonly string[] = ['127.0.0.0/8'], tls = true): Promise<Edge> =>
  startEdge({ listener: { tls, proxyProtocol: { mode, trustedSources } }, hosts: [{}] })

const closedLine = (edge: Edge, fits: (line: LogLine) => boolean = () => true): Promise<LogLine> =>
  edge.engine.waitForLog((line) => line.message === 'client closed' && fits(line))

/** Sends bytes to a plain listener and returns what comes back until it is silent or over. */
async function exchange(edge: Edge, pieces: readonly (Buffer | string)[], count: number, delayMs = 0): Promise<string> {
  await using client = await connectRaw({ port: edge.port })
  await client.send(pieces, delayMs)
  return (await client.bytes(count, 5_000).catch(() => '')).toString()
}

describe.each([
  ['version 1', Buffer.from(V1)],
  ['version 2', V2],
])('a header of %s', (_name, header) => {
  test('is taken before TLS, and the log has the client it names', async () => {
    await using edge = await startProxied('Require')
    await using client = await edge.connect({ before: header })
    expect(await client.request('hello')).toBe('hello')
    client.socket.destroy()
    expect(await closedLine(edge)).toMatchObject({ peer: '192.0.2.7:4711', host: 'a', receivedBytes: 5 })
  })

  test('may come in pieces of one byte', async () => {
    await using edge = await startProxied('Require', undefined, false)
    const pieces = [...header].map((byte) => Buffer.of(byte))
    expect(await exchange(edge, [...pieces, 'hello'], 5, 1)).toBe('hello')
    expect(await closedLine(edge)).toMatchObject({ peer: '192.0.2.7:4711' })
  })

  test('may come in one segment with the bytes behind it', async () => {
    await using edge = await startProxied('Require', undefined, false)
    expect(await exchange(edge, [Buffer.concat([header, Buffer.from('hello')])], 5)).toBe('hello')
    expect(await closedLine(edge)).toMatchObject({ peer: '192.0.2.7:4711', receivedBytes: 5 })
  })

  test('may come in one segment with the ClientHello', async () => {
    await using edge = await startProxied('Require')
    const hello = await captureClientHello({ servername: 'a.test' })
    await using client = await connectRaw({ port: edge.port })
    await client.send(Buffer.concat([header, hello]))
    // The ServerHello: a handshake record.
    expect([...(await client.bytes(3))]).toEqual([22, 3, 3])
  })

  test('is optional where it is Optional', async () => {
    await using edge = await startProxied('Optional')
    await using told = await edge.connect({ before: header })
    expect(await told.request('hello')).toBe('hello')
    told.socket.destroy()
    await closedLine(edge, (line) => line['peer'] === '192.0.2.7:4711')
    await using untold = await edge.connect()
    expect(await untold.request('hello')).toBe('hello')
    untold.socket.destroy()
    await closedLine(edge, (line) => String(line['peer']).startsWith('127.0.0.1:'))
  })

  test('is no header for a listener without PROXY protocol: the bytes are those of the client', async () => {
    await using plain = await startEdge({ listener: { tls: false }, hosts: [{}] })
    expect(await exchange(plain, [header], header.length)).toBe(header.toString())
    await using tls = await startEdge({ hosts: [{}] })
    await using client = await connectRaw({ port: tls.port })
    await client.send(header)
    await client.closed(5_000)
    expect(await closedLine(tls)).toMatchObject({ reason: 'NotTls' })
  })

  test('of a source that is not trusted closes the client where it is Require', async () => {
    await using edge = await startProxied('Require', ['192.0.2.0/24', '::1'])
    await using client = await connectRaw({ port: edge.port })
    await client.send(header)
    await client.closed(5_000)
    const line = await closedLine(edge)
    expect(line).toMatchObject({ reason: 'ProxySourceUntrusted', detail: expect.stringContaining('127.0.0.1') })
    expect(line['peer']).toMatch(/^127\.0\.0\.1:/)
  })

  test('of a source that is not trusted is never taken where it is Optional', async () => {
    await using edge = await startProxied('Optional', ['192.0.2.0/24'], false)
    // It is what the client says, and an echo says it back.
    expect(await exchange(edge, [header], header.length)).toBe(header.toString())
    expect((await closedLine(edge))['peer']).toMatch(/^127\.0\.0\.1:/)
  })
})

test('trusted sources may be addresses and networks of both families', async () => {
  await using edge = await startEdge({
    listener: {
      address: '::',
      tls: false,
      proxyProtocol: { mode: 'Require', trustedSources: ['127.0.0.2', '::/127'] },
    },
    hosts: [{}],
  })
  await using six = await connectRaw({ port: edge.port, host: '::1' })
  await six.send([V1, 'hello'])
  expect((await six.bytes(5)).toString()).toBe('hello')
  await using four = await connectRaw({ port: edge.port })
  await four.send(V1)
  await four.closed(5_000)
  await closedLine(edge, (line) => line['reason'] === 'ProxySourceUntrusted')
})

test('a header that names nobody (UNKNOWN, LOCAL) leaves the address of the connection', async () => {
  await using edge = await startProxied('Require', undefined, false)
  for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), v2Header({ command: 'LOCAL' })]) {
    expect(await exchange(edge, [header, 'hello'], 5)).toBe('hello')
  }
  await eventually(() => {
    const lines = edge.engine.lines.filter((line) => line.message === 'client closed')
    expect(lines.map((line) => String(line['peer']).split(':')[0])).toEqual(['127.0.0.1', '127.0.0.1'])
  })
})

test('a header with a checksum is taken when it is right, and refused when it is wrong', async () => {
  await using edge = await startProxied('Require', undefined, false)
  const right = v2Header({
    source: '192.0.2.7',
    destination: '198.51.100.9',
    sourcePort: 1,
    destinationPort: 2,
    checksum: true,
  })
  expect(await exchange(edge, [right, 'hello'], 5)).toBe('hello')
  const wrong = Buffer.from(right)
  wrong.writeUInt8(wrong.readUInt8(16) ^ 1, 16)
  expect(await exchange(edge, [wrong, 'hello'], 5)).toBe('')
  const line = await closedLine(edge, (one) => one['reason'] === 'ProxyHeaderInvalid')
  expect(line['detail']).toContain('CRC32c')
})

const MALFORMED: Readonly<Record<string, Buffer>> = {
  'an unknown family': Buffer.from('PROXY TCP5 192.0.2.7 198.51.100.9 4711 443\r\n'),
  'an address that is none': Buffer.from('PROXY TCP4 192.0.2.777 198.51.100.9 4711 443\r\n'),
  'a port that is none': Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.9 4711 65536\r\n'),
  'a line without end': Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`),
  'version 3': Buffer.concat([V2.subarray(0, 12), Buffer.of(0x31), V2.subarray(13)]),
  'addresses cut short': Buffer.concat([V2.subarray(0, 14), Buffer.of(0, 4), V2.subarray(16, 20)]),
  'a TLV longer than the header': v2Header({
    source: '192.0.2.7',
    destination: '192.0.2.8',
    tail: Buffer.of(1, 0, 9, 1),
  }),
}

test.each(['Require', 'Optional'])('a malformed header closes the client with its own reason (%s)', async (mode) => {
  await using edge = await startProxied(mode, undefined, false)
  for (const [name, header] of Object.entries(MALFORMED))
    expect([name, await exchange(edge, [header, 'hello'], 5)]).toEqual([name, ''])
  await eventually(() => {
    const lines = edge.engine.lines.filter((line) => line.message === 'client closed')
    expect(lines.map((line) => line['reason'])).toEqual(Object.keys(MALFORMED).map(() => 'ProxyHeaderInvalid'))
    for (const line of lines) expect(line['detail']).toMatch(/./)
  })
  const closed = { reason: 'ProxyHeaderInvalid' }
  const { length } = Object.keys(MALFORMED)
  expect((await edge.engine.metrics()).sum('socketserver_connections_closed_total', closed)).toBe(length)
})

test('a client without the header that is required is closed with its own reason', async () => {
  await using edge = await startProxied('Require')
  await expect(edge.connect()).rejects.toThrow()
  expect(await closedLine(edge)).toMatchObject({ reason: 'ProxyHeaderMissing' })
})

test('a proxy that never ends its header is closed when the handshake time is over', async () => {
  await using edge = await startEdge({
    listener: { tls: false, proxyProtocol: { mode: 'Require', trustedSources: ['127.0.0.1'] } },
    hosts: [{}],
    spec: { timeouts: { handshakeSeconds: 1 } },
  })
  await using client = await connectRaw({ port: edge.port })
  await client.send(V2.subarray(0, 20))
  expect(await client.closed(6_000)).toBeGreaterThan(900)
  expect(await closedLine(edge)).toMatchObject({ reason: 'TooSlow' })
})

test('a plain client of an Optional listener that waits for the server to speak is served all the same', async () => {
  await using edge = await startEdge({
    listener: { tls: false, proxyProtocol: { mode: 'Optional', trustedSources: ['127.0.0.1'] } },
    hosts: [{}],
    spec: { banner: 'welcome\r\n' },
  })
  await using client = await connectRaw({ port: edge.port })
  expect(await client.until('welcome', 8_000)).toBe('welcome')
})
