import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { within } from '../../support/deadline.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { v2Header } from '../../support/proxy-header.ts'

const RUNS = 1_000

const GOOD = [
  Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n'),
  Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n'),
  Buffer.from('PROXY UNKNOWN\r\n'),
  v2Header({
    source: '192.0.2.7',
    destination: '192.0.2.8',
    checksum: true,
    tail: Buffer.from('01000268320500026331', 'hex'),
  }),
  v2Header({ command: 'LOCAL' }),
]

const octet = fc.nat({ max: 255 })
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('set'), at: fc.nat({ max: 300 }), byte: octet }),
  fc.record({ kind: fc.constant('cut'), at: fc.nat({ max: 300 }), byte: octet }),
  fc.record({ kind: fc.constant('insert'), at: fc.nat({ max: 300 }), byte: octet }),
)
type Mutation = { readonly kind: string; readonly at: number; readonly byte: number }

/** A header with mutations laid over it one after the other. */
function mutated(header: Buffer, mutations: readonly Mutation[]): Buffer {
  let bytes = Buffer.from(header)
  for (const { kind, at, byte } of mutations) {
    const index = bytes.length === 0 ? 0 : at % bytes.length
    if (kind === 'cut') bytes = bytes.subarray(0, index)
    else if (kind === 'insert')
      bytes = Buffer.concat([bytes.subarray(0, index), Buffer.of(byte), bytes.subarray(index)])
    else if (bytes.length > 0) bytes = Buffer.from(bytes.fill(byte, index, index + 1))
  }
  return bytes
}

/** Any start of a connection: noise, or a header that was right once, with noise behind it. */
const start = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...GOOD), fc.array(mutation, { maxLength: 4 }), fc.uint8Array({ maxLength: 40 }))
      .map(([header, mutations, rest]) => Buffer.concat([mutated(header, mutations), rest])),
  },
)

/** Sends the bytes and ends; resolves when the connection is over, however that comes. */
async function send(port: number, bytes: Buffer): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.resume()
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.end(bytes)
  try {
    await within(10_000, `the end of a connection that began with ${bytes.toString('hex')}`, over)
  } finally {
    socket.destroy()
  }
}

const startProxied = (mode: string, tls: boolean): Promise<Edge> =>
  startEdge({ listener: { tls, proxyProtocol: { mode, trustedSources: ['127.0.0.1'] } }, hosts: [{}] })

test.each([
  ['Require', true],
  ['Optional', false],
])(
  'a thousand mutated headers end no process, hang no client and leave nothing behind (%s, TLS: %s)',
  { timeout: 120_000 },
  async (mode, isTls) => {
    await using edge = await startProxied(mode, isTls)
    await send(edge.port, GOOD[0] as Buffer)
    const descriptors = await edge.engine.openDescriptors()
    await fc.assert(
      fc.asyncProperty(fc.array(start, { minLength: 20, maxLength: 20 }), async (starts) => {
        await Promise.all(starts.map((bytes) => send(edge.port, bytes)))
      }),
      { numRuns: RUNS / 20, endOnFailure: true },
    )
    await eventually(async () => {
      expect((await edge.engine.status()).clients).toBe(0)
      expect(await edge.engine.openDescriptors()).toBeLessThanOrEqual(descriptors + 2)
    })
    const metrics = await edge.engine.metrics()
    expect(metrics.sum('socketserver_connections_closed_total')).toBe(RUNS + 1)
    expect(metrics.sum('socketserver_connections_closed_total', { reason: 'HandlerFailed' })).toBe(0)
    expect(metrics.sum('socketserver_defects_total')).toBe(0)
    // Both kinds were among them: what was refused, and what was taken.
    expect(metrics.sum('socketserver_connections_closed_total', { reason: 'ProxyHeaderInvalid' })).toBeGreaterThan(50)
    if (!isTls)
      expect(metrics.sum('socketserver_connections_closed_total', { reason: 'Completed' })).toBeGreaterThan(50)
    if (isTls) {
      await using client = await edge.connect({ before: GOOD[0] as Buffer })
      expect(await client.request('hello')).toBe('hello')
    }
  },
)
