import net from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressBytes, addressText } from '../../../../../sidecar/engine/proxy-protocol/address.ts'

describe('addresses as bytes', () => {
  test.each([
    ['192.0.2.1', 'c0000201'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ])('%s', (text, hex) => {
    expect(addressBytes(text)?.toString('hex')).toBe(hex)
  })

  test.each(['', 'localhost', '1.2.3', '1.2.3.4.5', '::1::', '12345::', '[::1]'])('"%s" is none', (text) => {
    expect(addressBytes(text)).toBeUndefined()
  })
})

describe('bytes as addresses', () => {
  test.each([
    ['c0000201', '192.0.2.1'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000000000000000000', '2001:db8::'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['20010db8000100000001000100010001', '2001:db8:1:0:1:1:1:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
  ])('%s', (hex, text) => {
    expect(addressText(Buffer.from(hex, 'hex'))).toBe(text)
  })

  test('whatever the bytes, the text is an address of the same bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      // Many zeros, as in real addresses.
      fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((each) => Uint8Array.from(each)),
    )
    fc.assert(
      fc.property(bytes, (given) => {
        const text = addressText(given)
        expect(net.isIP(text)).toBe(given.length === 4 ? 4 : 6)
        expect(addressBytes(text)).toEqual(Buffer.from(given))
      }),
      { numRuns: 1000 },
    )
  })
})
