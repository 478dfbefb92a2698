import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../../../sidecar/engine/proxy-protocol/crc32c.ts'
import { parseProxyHeader } from '../../../../../sidecar/engine/proxy-protocol/parse.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const v2 = (...hex: readonly string[]) => Buffer.from(SIGNATURE + hex.join('').replaceAll(' ', ''), 'hex')
const TCP4 = 'c0000201 c6336402 1f90 01bb'

const GOOD_V1 = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n')
const GOOD_V2 = v2('21 11 0018', TCP4, '01 0002 6832', '05 0004 632d3132')

describe('version 1', () => {
  test('names both ends, and says where the client begins', () => {
    expect(parseProxyHeader(Buffer.concat([GOOD_V1, Buffer.from('GET /')]))).toEqual({
      kind: 'header',
      version: 1,
      length: 44,
      command: 'PROXY',
      source: { address: '192.0.2.1', port: 8080 },
      destination: { address: '198.51.100.2', port: 443 },
      tlvs: [],
    })
  })

  test('the longest line of all is taken', () => {
    const address = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    const line = Buffer.from(`PROXY TCP6 ${address} ${address} 65535 65535\r\n`)
    expect(parseProxyHeader(line)).toMatchObject({ kind: 'header', length: 104, source: { address, port: 65535 } })
    const unknown = Buffer.from(`PROXY UNKNOWN ${address} ${address} 65535 65535\r\n`)
    expect(unknown).toHaveLength(107)
    expect(parseProxyHeader(unknown)).toMatchObject({ kind: 'header', length: 107, source: undefined })
  })

  test.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN what ever\r\n'])('%j names nobody', (line) => {
    expect(parseProxyHeader(Buffer.from(line))).toMatchObject({
      kind: 'header',
      command: 'PROXY',
      source: undefined,
      destination: undefined,
    })
  })

  test.each([
    'PROXY \r\n',
    'PROXY TCP4\r\n',
    'PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP6 fe80::1%1 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 0x1 2\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    `PROXY ${'x'.repeat(101)}`,
  ])('%j is invalid', (line) => {
    expect(parseProxyHeader(Buffer.from(line))).toMatchObject({ kind: 'invalid' })
  })

  test('a line that ends with LF alone is not over', () => {
    expect(parseProxyHeader(Buffer.from('PROXY UNKNOWN\n'))).toEqual({ kind: 'more' })
  })
})

describe('version 2', () => {
  test('names both ends over IPv4, with its TLVs', () => {
    expect(parseProxyHeader(Buffer.concat([v2('21 11 0011', TCP4, '01 0002 6832'), Buffer.from('GET /')]))).toEqual({
      kind: 'header',
      version: 2,
      length: 33,
      command: 'PROXY',
      source: { address: '192.0.2.1', port: 8080 },
      destination: { address: '198.51.100.2', port: 443 },
      tlvs: [{ type: 0x01, value: Buffer.from('h2') }],
    })
  })

  test('names both ends over IPv6', () => {
    const addresses = '20010db8000000000000000000000001 20010db8000000000000000000000002 0050 01bb'
    expect(parseProxyHeader(v2('21 21 0024', addresses))).toMatchObject({
      length: 52,
      source: { address: '2001:db8::1', port: 80 },
      destination: { address: '2001:db8::2', port: 443 },
    })
  })

  test.each([
    ['LOCAL without anything', v2('20 00 0000'), 'LOCAL'],
    ['LOCAL with rubbish behind', v2('20 ff 0003 ffffff'), 'LOCAL'],
    ['an unspecified family', v2('21 00 0000'), 'PROXY'],
    ['UDP over IPv4', v2('21 12 000c', TCP4), 'PROXY'],
    ['a UNIX socket', v2('21 31 00d8', '61'.repeat(216)), 'PROXY'],
  ])('%s names nobody', (_, bytes, command) => {
    expect(parseProxyHeader(bytes)).toMatchObject({
      kind: 'header',
      length: bytes.length,
      command,
      source: undefined,
      destination: undefined,
      tlvs: [],
    })
  })

  test.each([
    ['version 1', v2('11 11 000c', TCP4)],
    ['version 3', v2('31 11 000c', TCP4)],
    ['an unknown command', v2('22 11 000c', TCP4)],
    ['an unknown family', v2('21 41 000c', TCP4)],
    ['an unknown transport', v2('21 13 000c', TCP4)],
    ['IPv4 addresses cut short', v2('21 11 000b', TCP4)],
    ['IPv6 addresses cut short', v2('21 21 000c', TCP4)],
    ['UNIX addresses cut short', v2('21 31 000c', TCP4)],
    ['a TLV without length', v2('21 11 000e', TCP4, '04 00')],
    ['a TLV longer than the header', v2('21 11 0010', TCP4, '04 0002 00')],
    ['a length beyond the limit', v2('21 11 1001')],
  ])('%s is invalid', (_, bytes) => {
    expect(parseProxyHeader(bytes)).toMatchObject({ kind: 'invalid' })
  })

  test('the longest header of all is taken', () => {
    const bytes = v2('21 11 1000', TCP4, '04 0ff1', '00'.repeat(4081))
    expect(parseProxyHeader(bytes)).toMatchObject({ kind: 'header', length: 4112 })
    expect(parseProxyHeader(bytes.subarray(0, -1))).toEqual({ kind: 'more' })
  })

  test('a checksum is verified', () => {
    const bytes = v2('21 11 0013', TCP4, '03 0004 00000000')
    bytes.writeUInt32BE(crc32c(bytes), bytes.length - 4)
    expect(parseProxyHeader(bytes)).toMatchObject({ kind: 'header' })
    bytes.writeUInt8(0xc1, 16)
    expect(parseProxyHeader(bytes)).toMatchObject({ kind: 'invalid' })
    expect(parseProxyHeader(v2('21 11 0011', TCP4, '03 0002 0000'))).toMatchObject({ kind: 'invalid' })
  })

  // RFC 3720, appendix B.4.
  test('CRC32c of known vectors', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })
})

describe('in pieces', () => {
  test.each([
    ['version 1', GOOD_V1],
    ['version 2', v2('21 11 0011', TCP4, '01 0002 6832')],
  ])('%s is incomplete up to its last byte', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++)
      expect(parseProxyHeader(bytes.subarray(0, length))).toEqual({ kind: 'more' })
    expect(parseProxyHeader(bytes)).toMatchObject({ kind: 'header', length: bytes.length })
  })

  test.each(['G', 'PROXX', 'PROXY\t', '\r\n\r\nx', '\x16\x03\x01'])('%j begins no header', (text) => {
    expect(parseProxyHeader(Buffer.from(text, 'latin1'))).toEqual({ kind: 'none' })
  })
})

describe('whatever comes', () => {
  const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), Buffer.from('PROXY TCP4 '), v2(), v2('21 11'))
  const arbitrary = fc.uint8Array({ maxLength: 300 })

  /** The verdict is well-formed, and what is complete does not change with what follows. */
  const holds = (bytes: Buffer) => {
    const verdict = parseProxyHeader(bytes)
    if (verdict.kind === 'header') {
      expect(verdict.length).toBeGreaterThan(14)
      expect(verdict.length).toBeLessThanOrEqual(bytes.length)
      expect(verdict.source === undefined).toBe(verdict.destination === undefined)
    }
    if (verdict.kind === 'more') expect(bytes.length).toBeLessThan(4112)
    else expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('tail')]))).toEqual(verdict)
  }

  test('random bytes get a verdict', () => {
    fc.assert(
      fc.property(start, arbitrary, (head, rest) => holds(Buffer.concat([head, rest]))),
      { numRuns: 1000 },
    )
  })

  test('truncated headers get a verdict', () => {
    fc.assert(
      fc.property(fc.constantFrom(GOOD_V1, GOOD_V2), fc.nat(60), (bytes, length) => holds(bytes.subarray(0, length))),
      { numRuns: 1000 },
    )
  })

  test('mutated headers get a verdict', () => {
    const mutation = fc.tuple(fc.nat(43), fc.nat(255))
    fc.assert(
      fc.property(
        fc.constantFrom(GOOD_V1, GOOD_V2),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (good, all) => {
          const bytes = Buffer.from(good)
          for (const [at, value] of all) if (at < bytes.length) bytes.writeUInt8(value, at)
          holds(bytes)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
