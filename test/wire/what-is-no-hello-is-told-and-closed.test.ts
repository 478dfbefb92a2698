import { afterAll, beforeAll, expect, test } from 'vitest'
import { captureClientHello, overRecords } from '../support/client-hello.ts'
import { eventually } from '../support/eventually.ts'
import { host } from '../support/manifest.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

let engine: TlsEngine
beforeAll(async () => {
  engine = await startTlsEngine([host({ hostTag: 'a', default: true })])
})
afterAll(() => engine[Symbol.asyncDispose]())

const DECODE_ERROR = Buffer.from([21, 3, 3, 0, 2, 2, 50])
const PROTOCOL_VERSION = Buffer.from([21, 3, 3, 0, 2, 2, 70])
const NOTHING = Buffer.alloc(0)

/** A handshake record with a ClientHello header that claims `size` bytes. */
const claiming = (size: number) =>
  Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, size >> 16, (size >> 8) & 255, size & 255]), Buffer.alloc(2000)])

/** A hello of exactly `size` bytes of handshake message, padded (RFC 7685). */
async function helloOf(size: number): Promise<Buffer> {
  const hello = await captureClientHello({ servername: 'a.test', minVersion: 'TLSv1.3', ecdhCurve: 'X25519' })
  const message = hello.subarray(5)
  const padding = size - message.length - 4
  const extensionsAt = 4 + 34 + 1 + (message[38] as number)
  const suites = message.readUInt16BE(extensionsAt)
  const at = extensionsAt + 2 + suites + 2
  const extension = Buffer.alloc(4 + padding)
  extension.writeUInt16BE(21, 0)
  extension.writeUInt16BE(padding, 2)
  const grown = Buffer.concat([message, extension])
  grown.writeUInt16BE(message.readUInt16BE(at) + extension.length, at)
  grown.writeUIntBE(grown.length - 4, 1, 3)
  const record = Buffer.concat([Buffer.from([22, 3, 1, grown.length >> 8, grown.length & 255]), grown])
  // A record holds at most 2^14 bytes.
  return overRecords(record, 8_192)
}

const REFUSED: Readonly<Record<string, readonly [bytes: Buffer, reason: string, answer: Buffer]>> = {
  'an SSLv2 hello': [Buffer.from('802e010301001500000010010080030080070', 'hex'), 'NotTls', PROTOCOL_VERSION],
  'an SSLv2-framed hello of TLS 1.0': [
    Buffer.from('804c0103010033000000100000040000050000', 'hex'),
    'NotTls',
    PROTOCOL_VERSION,
  ],
  SSH: [Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), 'NotTls', NOTHING],
  SMTP: [Buffer.from('EHLO mail.test\r\n'), 'NotTls', NOTHING],
  'a PROXY protocol header where none is expected': [
    Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
    'NotTls',
    NOTHING,
  ],
  zeros: [Buffer.alloc(64), 'NotTls', NOTHING],
  'a TLS alert': [Buffer.from([21, 3, 3, 0, 2, 2, 40]), 'NotTls', NOTHING],
  'application data': [Buffer.from([23, 3, 3, 0, 2, 2, 40]), 'NotTls', NOTHING],
  'a version of the record from nowhere': [Buffer.from([22, 9, 9, 0, 2, 1, 0]), 'NotTls', NOTHING],
  'a ServerHello': [Buffer.from([22, 3, 3, 0, 4, 2, 0, 0, 0]), 'HelloMalformed', DECODE_ERROR],
  'an empty record': [Buffer.from([22, 3, 1, 0, 0, 1]), 'HelloMalformed', DECODE_ERROR],
  'a record larger than a record may be': [Buffer.from([22, 3, 1, 0x40, 1, 1, 0, 0]), 'HelloMalformed', DECODE_ERROR],
  'a hello without anything in it': [Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]), 'HelloMalformed', DECODE_ERROR],
  'a hello that claims 16 MiB': [claiming(0xff_ff_ff), 'HelloTooLong', DECODE_ERROR],
  'a hello that claims a byte more than the limit': [claiming(16_384 - 3), 'HelloTooLong', DECODE_ERROR],
}

for (const [what, [bytes, reason, answer]] of Object.entries(REFUSED))
  test(`${what} is closed as ${reason}`, async () => {
    await using client = await connectRaw({ port: engine.port })
    await client.send(bytes)
    expect(await client.toEnd()).toEqual(answer)
    client.socket.end()
    const line = await engine.closeLine(client.origin)
    expect(line).toMatchObject({ level: 'info', reason, detail: expect.any(String) })
    expect(line['host']).toBeUndefined()
  })

test('each of these is counted by its reason, under no host', async () => {
  for (const reason of new Set(Object.values(REFUSED).map(([, name]) => name))) {
    const expected = Object.values(REFUSED).filter(([, name]) => name === reason).length
    expect(await engine.closed(reason, '')).toBeGreaterThanOrEqual(expected)
  }
})

test('a hello as large as the limit is served, the next larger one is not', async () => {
  await using served = await connectRaw({ port: engine.port })
  await served.send(await helloOf(16_384))
  expect((await served.bytes(1))[0]).toBe(22)
  await using refused = await connectRaw({ port: engine.port })
  await refused.send(await helloOf(16_385))
  expect(await refused.toEnd()).toEqual(DECODE_ERROR)
})

test.each([
  'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'POST /form HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
])('plain HTTP (%j) gets a short HTTP 400 that says so', async (request) => {
  await using client = await connectRaw({ port: engine.port })
  await client.send(request)
  const answer = (await client.toEnd()).toString()
  expect(client.broken()).toBeUndefined()
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(head).toMatch(/^connection: close$/im)
  expect(head).toMatch(new RegExp(`^content-length: ${body.length}$`, 'im'))
  expect(body).toMatch(/TLS.*https/)
  expect(answer.length).toBeLessThan(400)
})

test('plain HTTP in pieces of one byte, with a body that is still coming, gets its 400 whole', async () => {
  await using client = await connectRaw({ port: engine.port })
  await client.send([...'DELETE'].map((letter) => letter))
  await client.send(` / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`)
  expect((await client.toEnd()).toString()).toMatch(/^HTTP\/1\.1 400 .*https\n$/s)
  expect(client.broken()).toBeUndefined()
})

test('fetch() over plain HTTP to the TLS port reads the 400', async () => {
  const response = await fetch(`http://127.0.0.1:${engine.port}/`)
  expect(response.status).toBe(400)
  expect(await response.text()).toMatch(/https/)
})

test('the same client over TLS is served, after all of that', async () => {
  await using client = await connectTls({ port: engine.port, servername: 'a.test', ca: engine.authority.cert })
  expect(await client.request('hello')).toBe('hello')
})

test('a client that was told and does not leave is closed all the same', async () => {
  const words = ['GET / HTTP/1.1\r\n\r\n', Buffer.from([22, 3, 1, 0, 0, 1])]
  const clients = await Promise.all(words.map(() => connectRaw({ port: engine.port })))
  for (const [at, client] of clients.entries()) {
    await client.send(words[at] as Buffer)
    expect((await client.toEnd()).length).toBeGreaterThan(0)
  }
  for (const client of clients) {
    expect((await engine.closeLine(client.origin))['durationMs']).toBeLessThan(10_000)
    // Its own direction was open all the time; what it sends now meets a socket that is gone.
    client.socket.write('x')
    await eventually(() => {
      client.socket.write('x')
      expect(client.socket.writable).toBe(false)
    })
  }
})
