import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { captureClientHello, inPieces, overRecords } from '../support/client-hello.ts'
import { eventually } from '../support/eventually.ts'
import { host } from '../support/manifest.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

/** How many hostile clients of each kind, and how many of them at a time. */
const RUNS = 200
const AT_A_TIME = 100

const HELLOS = await Promise.all([
  captureClientHello({ servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'] }),
  captureClientHello({ servername: 'a.test', maxVersion: 'TLSv1.2' }),
  captureClientHello({ servername: 'unknown.test', ecdhCurve: 'X25519' }),
])

/** What a hostile client sends: some bytes, in pieces, and whether it goes by itself or waits. */
interface Hostile {
  readonly bytes: Buffer
  readonly pieces: number
  readonly ending: 'end' | 'reset' | 'wait'
}
const hostile = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Hostile> =>
  fc.record({ bytes, pieces: fc.integer({ min: 1, max: 4 }), ending: fc.constantFrom('end', 'reset', 'wait') })

const hello = fc.constantFrom(...HELLOS)
const KINDS: Readonly<Record<string, fc.Arbitrary<Buffer>>> = {
  'random bytes': fc.uint8Array({ minLength: 1, maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  'random bytes in a handshake record': fc
    .uint8Array({ minLength: 1, maxLength: 600 })
    .map((bytes) => Buffer.concat([Buffer.from([22, 3, 1, bytes.length >> 8, bytes.length & 255, 1]), bytes])),
  'truncated hellos': fc.tuple(hello, fc.nat(2_000)).map(([bytes, length]) => bytes.subarray(0, length % bytes.length)),
  'mutated hellos': fc
    .tuple(hello, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }))
    .map(([bytes, changes]) => {
      const mutant = Buffer.from(bytes)
      for (const [at, value] of changes) mutant[at % mutant.length] = value
      return mutant
    }),
  'hellos in mutated records': fc
    .tuple(hello, fc.integer({ min: 1, max: 50 }), fc.nat(), fc.nat(255))
    .map(([bytes, size, at, value]) => {
      const mutant = overRecords(bytes, size)
      mutant[at % mutant.length] = value
      return mutant
    }),
  'hellos with nonsense behind': fc
    .tuple(hello, fc.uint8Array({ minLength: 1, maxLength: 300 }))
    .map(([bytes, more]) => Buffer.concat([bytes, more])),
}

async function attack(engine: TlsEngine, { bytes, pieces, ending }: Hostile): Promise<void> {
  await using client = await connectRaw({ port: engine.port })
  const size = Math.max(1, Math.ceil(bytes.length / pieces))
  await client.send(inPieces(bytes, size))
  if (ending === 'reset') client.socket.resetAndDestroy()
  if (ending === 'end') client.socket.end()
  // Whatever it did, it is closed: at once, or when its time is over.
  if (ending !== 'reset') await client.toEnd(20_000)
}

test('random, truncated and mutated hellos never crash, hang or leak', { timeout: 240_000 }, async () => {
  const seed = Number.parseInt(createHash('sha256').update(String(process.pid)).digest('hex').slice(0, 7), 16)
  await using engine = await startTlsEngine([host({ hostTag: 'a' }), host({ hostTag: 'b', default: false })], {
    spec: { timeouts: { handshakeSeconds: 1 } },
  })
  const good = () => connectTls({ port: engine.port, servername: 'a.test', ca: engine.authority.cert })
  await using bystander = await good()
  expect(await bystander.request('before')).toBe('before')
  const descriptors = await engine.openDescriptors()

  for (const [kind, bytes] of Object.entries(KINDS)) {
    const attacks = fc.sample(hostile(bytes), { numRuns: RUNS, seed })
    for (let at = 0; at < attacks.length; at += AT_A_TIME) {
      await Promise.all(attacks.slice(at, at + AT_A_TIME).map((one) => attack(engine, one)))
      // Good clients are served in between, in a second hello's time.
      await using client = await good()
      expect(await client.request('good'), `${kind}, seed ${seed}`).toBe('good')
    }
  }

  await eventually(
    async () => {
      expect((await engine.status()).clients).toBe(1)
      expect(await engine.openDescriptors()).toBeLessThanOrEqual(descriptors)
    },
    { withinMs: 15_000 },
  )
  expect(await bystander.request('after')).toBe('after')
  const metrics = await engine.metrics()
  expect(metrics.sum('socketserver_defects_total')).toBe(0)
  expect(metrics.sum('socketserver_connections_closed_total', { reason: 'HandlerFailed' })).toBe(0)
  expect(engine.lines.filter((line) => line.level === 'error')).toEqual([])
})

test('a flood of clients that only connect, or only begin, leaves nothing behind', { timeout: 120_000 }, async () => {
  await using engine = await startTlsEngine([host({ hostTag: 'a' })], { spec: { timeouts: { handshakeSeconds: 1 } } })
  const [first = Buffer.alloc(0)] = HELLOS
  const descriptors = await engine.openDescriptors()
  for (let round = 0; round < 5; round += 1) {
    const clients = await Promise.all(Array.from({ length: 60 }, () => connectRaw({ port: engine.port })))
    await Promise.all(clients.map((client, at) => client.send(first.subarray(0, (at * 31) % first.length))))
    for (const [at, client] of clients.entries()) if (at % 2 === 0) client.socket.resetAndDestroy()
    await Promise.all(clients.filter((_, at) => at % 2 === 1).map((client) => client.closed(20_000)))
    for (const client of clients) client.socket.destroy()
  }
  await eventually(
    async () => {
      expect((await engine.status()).clients).toBe(0)
      expect(await engine.openDescriptors()).toBeLessThanOrEqual(descriptors)
    },
    { withinMs: 15_000 },
  )
  await using client = await connectTls({ port: engine.port, servername: 'a.test' })
  expect(await client.request('hello')).toBe('hello')
})
