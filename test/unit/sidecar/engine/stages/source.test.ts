import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressBytes, addressText } from '../../../../../sidecar/engine/proxy-protocol/address.ts'
import { plainAddress, sourceOf } from '../../../../../sidecar/engine/stages/source.ts'

const cases: Record<string, [string, string]> = {
  'an IPv4 address is a source': ['192.0.2.7', '192.0.2.7'],
  'an IPv4 client of a dual-stack socket is the same source': ['::ffff:192.0.2.7', '192.0.2.7'],
  'an IPv6 address is its /64': ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  'zeros left out behind the /64 are none of it': ['2001:db8:1:2::1', '2001:db8:1:2'],
  'zeros left out within the /64 are': ['2001:db8::1', '2001:db8:0:0'],
  'zeros left out in front are': ['::1', '0:0:0:0'],
  'zeros left out at the end are': ['2001:db8::', '2001:db8:0:0'],
  'leading zeros and capitals make no other source': ['2001:0DB8:0001:0002::9', '2001:db8:1:2'],
  'the zone is not part of it': ['fe80::1%eth0', 'fe80:0:0:0'],
  'a dotted end counts as two groups': ['1:2:3::192.0.2.7', '1:2:3:0'],
}

describe('sourceOf()', () => {
  for (const [sentence, [address, source]] of Object.entries(cases))
    test(sentence, () => expect(sourceOf(address)).toBe(source))

  test('two IPv6 addresses are one source if, and only if, their first 64 bits are the same', () => {
    const address = fc.uint8Array({ minLength: 16, maxLength: 16 })
    fc.assert(
      fc.property(address, address, fc.boolean(), (one, other, isSameNetwork) => {
        // Mapped IPv4 is a source of its own kind.
        fc.pre(![one, other].some((bytes) => bytes.slice(0, 10).every((byte) => byte === 0)))
        const second = isSameNetwork ? Uint8Array.of(...one.slice(0, 8), ...other.slice(8)) : other
        const isSame = Buffer.compare(one.slice(0, 8), second.slice(0, 8)) === 0
        expect(sourceOf(addressText(one)) === sourceOf(addressText(second))).toBe(isSame)
      }),
    )
  })

  test('is the same for every way of writing an address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const bytes = addressBytes(address) ?? Buffer.alloc(16)
        expect(sourceOf(address)).toBe(sourceOf(addressText(bytes)))
      }),
    )
  })
})

test('plainAddress() leaves what lists and other programs can read', () => {
  expect(['::ffff:192.0.2.7', 'fe80::1%eth0', '2001:db8::1', '192.0.2.7', undefined].map(plainAddress)).toEqual([
    ...['192.0.2.7', 'fe80::1', '2001:db8::1', '192.0.2.7', ''],
  ])
})
