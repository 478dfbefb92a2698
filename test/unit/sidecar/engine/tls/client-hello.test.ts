import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ClientHello, readClientHello } from '../../../../../sidecar/engine/tls/client-hello.ts'

const LIMIT = 16_384

/** The first flight of a real client. */
async function capture(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', ...options })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [net.Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

/** The same handshake message in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const piece = message.subarray(at, at + size)
    records.push(Buffer.from([0x16, 3, 1, piece.length >> 8, piece.length & 255]), piece)
  }
  return Buffer.concat(records)
}

let real: Buffer
beforeAll(async () => {
  real = await capture({ servername: 'WWW.Shop.Test', ALPNProtocols: ['h2', 'http/1.1'] })
})

const helloOf = (bytes: Buffer): ClientHello => {
  const reading = readClientHello(bytes, LIMIT)
  if (reading.kind !== 'hello') throw new Error(`found ${JSON.stringify(reading)}`)
  return reading.hello
}

describe('readClientHello()', () => {
  test('tells name (lower-cased), ALPN, groups and key shares of a real client', () => {
    const hello = helloOf(real)
    expect(hello.serverName).toBe('www.shop.test')
    expect(hello.alpn).toEqual(['h2', 'http/1.1'])
    expect(hello.groups).toContain(4588)
    expect(hello.keyShares).toContain(4588)
    expect(hello.length).toBe(real.length)
  })

  test('has no name when the client sent none', async () =>
    expect(helloOf(await capture({})).serverName).toBeUndefined())

  test.each([1, 7, 100, 1000])('reads a hello in records of %i bytes', (size) =>
    expect(helloOf(inRecords(real, size)).serverName).toBe('www.shop.test'),
  )

  test('asks for more at every cut, and never for more than there will be', () => {
    for (let length = 0; length < real.length; length += 1) {
      const reading = readClientHello(real.subarray(0, length), LIMIT)
      expect(reading.kind).toBe('more')
      if (reading.kind === 'more') {
        expect(reading.atLeast).toBeGreaterThan(length)
        expect(reading.atLeast).toBeLessThanOrEqual(real.length)
      }
    }
  })

  test('leaves what follows the hello alone', () =>
    expect(helloOf(Buffer.concat([real, Buffer.from('early data')])).length).toBe(real.length))

  const notHellos: Record<string, [Buffer, object]> = {
    'plain HTTP': [Buffer.from('GET / HTTP/1.1\r\n'), { kind: 'not-tls', looksLike: 'http' }],
    'an SSLv2 hello': [Buffer.from([0x80, 0x2e, 0x01, 0x03, 0x01]), { kind: 'not-tls', looksLike: 'sslv2' }],
    SSH: [Buffer.from('SSH-2.0-x'), { kind: 'not-tls', looksLike: 'unknown' }],
    'a TLS alert': [Buffer.from([21, 3, 3, 0, 2, 2, 40]), { kind: 'not-tls', looksLike: 'unknown' }],
    'a hello that claims 1 MiB': [Buffer.from([22, 3, 1, 0x40, 0, 1, 0x10, 0, 0]), { kind: 'too-long' }],
    'an empty record': [Buffer.from([22, 3, 1, 0, 0, 1]), { kind: 'malformed', detail: 'a record of 0 bytes' }],
    'a ServerHello': [
      Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]),
      { kind: 'malformed', detail: 'the first message is no ClientHello' },
    ],
  }
  for (const [what, [bytes, reading]] of Object.entries(notHellos))
    test(`recognises ${what}`, () => expect(readClientHello(bytes, LIMIT)).toEqual(reading))

  test('an unfinished method name may still become HTTP', () =>
    expect(readClientHello(Buffer.from('OPT'), LIMIT).kind).toBe('more'))

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        readClientHello(Buffer.from(bytes), LIMIT)
        readClientHello(Buffer.concat([Buffer.from([22, 3, 1]), bytes]), LIMIT)
      }),
      { numRuns: 1000 },
    )
  })

  test('never throws on a real hello with bytes changed or cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(real.length),
        (changes, length) => {
          const bytes = Buffer.from(real)
          for (const [at, value] of changes) bytes[at] = value
          readClientHello(bytes.subarray(0, length), LIMIT)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
