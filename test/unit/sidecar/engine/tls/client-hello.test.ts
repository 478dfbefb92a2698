import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ClientHello, readClientHello } from '../../../../../sidecar/engine/tls/client-hello.ts'
import { captureClientHello, overRecords } from '../../../../support/client-hello.ts'

const LIMIT = 16_384

let real: Buffer
beforeAll(async () => {
  real = await captureClientHello({ servername: 'WWW.Shop.Test', ALPNProtocols: ['h2', 'http/1.1'] })
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
    expect(helloOf(await captureClientHello({})).serverName).toBeUndefined())

  test.each([1, 7, 100, 1000])('reads a hello in records of %i bytes', (size) =>
    expect(helloOf(overRecords(real, size)).serverName).toBe('www.shop.test'),
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

  test('finds the same in every way to lay the hello over records', () => {
    const whole = helloOf(real)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 2_000 }), (size, again) => {
        const bytes = overRecords(real, size)
        const found = helloOf(bytes)
        expect({ ...found, length: 0 }).toEqual({ ...whole, length: 0 })
        expect(found.length).toBe(bytes.length)
        // Records of two sizes.
        const first = Buffer.concat([real.subarray(0, 3), Buffer.from([0, 1]), real.subarray(5, 6)])
        const rest = Buffer.concat([
          real.subarray(0, 3),
          Buffer.from([(real.length - 6) >> 8, (real.length - 6) & 255]),
        ])
        const mixed = Buffer.concat([first, overRecords(Buffer.concat([rest, real.subarray(6)]), again)])
        expect(helloOf(mixed).serverName).toBe(whole.serverName)
      }),
      { numRuns: 1000 },
    )
  })
})

/**
 * What holds for any bytes: no throw, a bounded wish for more, and a verdict that more bytes do not change, so that a
 * client is judged the same however its bytes are cut.
 */
function holdsFor(bytes: Buffer, cut: number): void {
  const reading = readClientHello(bytes, LIMIT)
  if (reading.kind === 'more') {
    expect(reading.atLeast).toBeGreaterThan(bytes.length)
    expect(reading.atLeast).toBeLessThanOrEqual(bytes.length + LIMIT + 5)
  }
  if (reading.kind === 'hello') expect(reading.hello.length).toBeLessThanOrEqual(bytes.length)
  const early = readClientHello(bytes.subarray(0, cut), LIMIT)
  if (early.kind === 'more') {
    // Nothing shorter than what it asked for would have been enough.
    if (reading.kind === 'hello') expect(early.atLeast).toBeLessThanOrEqual(reading.hello.length)
  } else expect(reading).toEqual(early)
}

const RUNS = { numRuns: 1000 }

describe('for any bytes, readClientHello() gives a verdict that lasts:', () => {
  const cutOf = (bytes: Uint8Array, cut: number) => cut % (bytes.length + 1)

  test('random bytes', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), (bytes, cut) =>
        holdsFor(Buffer.from(bytes), cutOf(bytes, cut)),
      ),
      RUNS,
    ))

  test('random bytes in a handshake record', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), (bytes, cut) => {
        const record = Buffer.concat([Buffer.from([22, 3, 1, bytes.length >> 8, bytes.length & 255]), bytes])
        holdsFor(record, cutOf(record, cut))
      }),
      RUNS,
    ))

  test('random bytes in a hello', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(), (bytes, cut) => {
        const size = bytes.length + 4
        const head = [22, 3, 1, size >> 8, size & 255, 1, 0, bytes.length >> 8, bytes.length & 255]
        const record = Buffer.concat([Buffer.from(head), bytes])
        holdsFor(record, cutOf(record, cut))
      }),
      RUNS,
    ))

  test('a real hello, truncated', () =>
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (length, cut) => {
        const bytes = real.subarray(0, length % real.length)
        holdsFor(bytes, cutOf(bytes, cut))
      }),
      RUNS,
    ))

  test('a real hello, mutated and truncated', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(real.length),
        fc.nat(),
        (changes, length, cut) => {
          const bytes = Buffer.from(real)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          holdsFor(bytes.subarray(0, length), cutOf(bytes.subarray(0, length), cut))
        },
      ),
      RUNS,
    ))

  test('a real hello in small records, mutated', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (size, changes, cut) => {
          const bytes = overRecords(real, size)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          holdsFor(bytes, cutOf(bytes, cut))
        },
      ),
      RUNS,
    ))
})
