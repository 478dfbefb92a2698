import { afterAll, beforeAll, expect, test } from 'vitest'
import { captureClientHello, inPieces, overRecords } from '../support/client-hello.ts'
import { host } from '../support/manifest.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls, type TlsClientOptions } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

let engine: TlsEngine
beforeAll(async () => {
  engine = await startTlsEngine([host({ hostTag: 'a' }), host({ hostTag: 'b' })], {
    spec: { timeouts: { handshakeSeconds: 60 } },
  })
})
afterAll(() => engine[Symbol.asyncDispose]())

const CUTS: Readonly<Record<string, (hello: Buffer) => readonly Buffer[]>> = {
  'in pieces of one byte': (hello) => inPieces(hello, 1),
  'in pieces of 700 bytes': (hello) => inPieces(hello, 700),
  'with the record header alone': (hello) => [hello.subarray(0, 5), hello.subarray(5)],
  'over records of 100 bytes': (hello) => [overRecords(hello, 100)],
  'over records of one byte': (hello) => [overRecords(hello, 1)],
  'over records of 30 bytes in pieces of seven': (hello) => inPieces(overRecords(hello, 30), 7),
  'over two records that travel alone': (hello) => inPieces(overRecords(hello, hello.length - 105), hello.length - 100),
}
const VERSIONS: Readonly<Record<string, Partial<TlsClientOptions>>> = {
  'TLS 1.3 with a post-quantum share': { minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' },
  'TLS 1.3 without one': { minVersion: 'TLSv1.3', ecdhCurve: 'X25519' },
  'TLS 1.2': { maxVersion: 'TLSv1.2' },
}

for (const [how, cutHello] of Object.entries(CUTS))
  for (const [version, options] of Object.entries(VERSIONS))
    test(`a hello of ${version} ${how}`, async () => {
      await using client = await connectTls({
        ...{ port: engine.port, servername: 'b.test', ca: engine.authority.cert, ALPNProtocols: ['h2', 'http/1.1'] },
        ...{ ...options, cutHello },
      })
      expect(client.serverNames).toEqual(['b.test'])
      expect(await client.request('hello')).toBe('hello')
    })

test('a post-quantum client that cuts nothing settles on X25519MLKEM768, and the log says so', async () => {
  await using client = await connectTls({ port: engine.port, servername: 'a.test', ca: engine.authority.cert })
  expect(client).toMatchObject({ protocol: 'TLSv1.3', group: 'X25519MLKEM768' })
  client.socket.end()
  const line = await engine.closeLine(client.origin)
  expect(line).toMatchObject({ host: 'a', tlsVersion: 'TLSv1.3', group: 'X25519MLKEM768', resumed: false })
})

test('what a client sends right behind its hello is not lost and does no harm', async () => {
  const hello = await captureClientHello({ servername: 'a.test' })
  await using client = await connectRaw({ port: engine.port })
  // Early data nobody offered, in the same segment: the TLS library judges it, not the greeting.
  await client.send(Buffer.concat([hello, Buffer.from([23, 3, 3, 0, 4, 1, 2, 3, 4])]))
  expect((await client.bytes(1))[0]).toBe(22)
  await client.toEnd()
  await using good = await connectTls({ port: engine.port, servername: 'a.test' })
  expect(await good.request('hello')).toBe('hello')
})

test('a client that leaves amid its hello is gone, and told as such', async () => {
  const hello = await captureClientHello({ servername: 'a.test' })
  await using client = await connectRaw({ port: engine.port })
  await client.send(hello.subarray(0, 300))
  client.socket.end()
  await client.toEnd()
  const line = await engine.closeLine(client.origin)
  expect(line).toMatchObject({ reason: 'ClientGone' })
})
