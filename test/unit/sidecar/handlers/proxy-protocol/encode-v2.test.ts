import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TlsFacts } from '../../../../../sidecar/engine/ports.ts'
import { addressText } from '../../../../../sidecar/engine/proxy-protocol/address.ts'
import { parseProxyHeader } from '../../../../../sidecar/engine/proxy-protocol/parse.ts'
import { encodeProxyV1 } from '../../../../../sidecar/handlers/proxy-protocol/encode-v1.ts'
import { encodeProxyV2 } from '../../../../../sidecar/handlers/proxy-protocol/encode-v2.ts'
import { proxiedClient } from './proxied-client.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const ID_AND_TAG = '05 0003 632d31 e0 0004 73686f70'
const hex = (...parts: readonly string[]) => (SIGNATURE + parts.join('')).replaceAll(' ', '')

const alice = { subject: 'CN=alice', commonName: 'alice', raw: Buffer.alloc(0), sha256: '' }
const facts: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  group: 'X25519',
  resumed: false,
  peerCertificate: undefined,
}
const VERSION = '21 0007 544c5376312e33'
const CIPHER = '23 0016 544c535f4145535f3132385f47434d5f534841323536'

test('a plain client over IPv4', () => {
  expect(encodeProxyV2(proxiedClient()).toString('hex')).toBe(hex('21 11 0019 c0000201 c6336402 1f90 01bb', ID_AND_TAG))
})

test('a plain client over IPv6', () => {
  const client = proxiedClient({ peerAddress: '2001:db8::1', localAddress: '::1' })
  const addresses = '20010db8000000000000000000000001 00000000000000000000000000000001'
  expect(encodeProxyV2(client).toString('hex')).toBe(hex('21 21 0031', addresses, '1f90 01bb', ID_AND_TAG))
})

test('an IPv4 address beside an IPv6 one is written as mapped IPv6', () => {
  const client = proxiedClient({ localAddress: '::1' })
  const addresses = '00000000000000000000ffffc0000201 00000000000000000000000000000001'
  expect(encodeProxyV2(client).toString('hex')).toBe(hex('21 21 0031', addresses, '1f90 01bb', ID_AND_TAG))
})

test('a client without IP address is of an unspecified family and keeps its TLVs', () => {
  expect(encodeProxyV2(proxiedClient({ peerAddress: '' })).toString('hex')).toBe(hex('21 00 000d', ID_AND_TAG))
})

test('a TLS client with ALPN, server name and no certificate', () => {
  const client = proxiedClient({ serverName: 'a.example', alpnProtocol: 'h2', tls: facts })
  const ssl = `20 0028 01 00000001 ${VERSION} ${CIPHER}`
  expect(encodeProxyV2(client).toString('hex')).toBe(
    hex(
      '21 11 0055 c0000201 c6336402 1f90 01bb 01 0002 6832 02 0009 612e6578616d706c65',
      '05 0003 632d31',
      ssl,
      'e0 0004 73686f70',
    ),
  )
})

test.each([
  [false, '07'],
  [true, '05'],
])('a TLS client with a certificate, resumed: %s', (resumed, flags) => {
  const client = proxiedClient({ tls: { ...facts, resumed, peerCertificate: alice } })
  const ssl = `20 0030 ${flags} 00000000 ${VERSION} 22 0005 616c696365 ${CIPHER}`
  expect(encodeProxyV2(client).toString('hex')).toBe(
    hex('21 11 004c c0000201 c6336402 1f90 01bb 05 0003 632d31', ssl, 'e0 0004 73686f70'),
  )
})

test('a common name of unreasonable length is left out rather than cut', () => {
  const peerCertificate = { ...alice, commonName: 'a'.repeat(257) }
  const bytes = encodeProxyV2(proxiedClient({ tls: { ...facts, peerCertificate } }))
  expect(bytes.length).toBeLessThan(150)
  expect(parseProxyHeader(bytes)).toMatchObject({ kind: 'header' })
})

test('what is written is what is read, whoever the client is', () => {
  const address = fc
    .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(addressText)
  const port = fc.nat(65535)
  const text = fc.string({ unit: 'grapheme', maxLength: 255 })
  fc.assert(
    fc.property(
      address,
      port,
      address,
      port,
      text,
      text,
      text,
      (peerAddress, peerPort, localAddress, localPort, ...texts) => {
        const [serverName, alpnProtocol, commonName] = texts
        const tls = { ...facts, peerCertificate: { ...alice, commonName } }
        const client = proxiedClient({ peerAddress, peerPort, localAddress, localPort, serverName, alpnProtocol, tls })
        const isMixed = peerAddress.includes(':') !== localAddress.includes(':')
        const mapped = (each: string) => (isMixed && !each.includes(':') ? `::ffff:${each}` : each)
        const ends = {
          kind: 'header',
          command: 'PROXY',
          source: { address: mapped(peerAddress), port: peerPort },
          destination: { address: mapped(localAddress), port: localPort },
        }
        const second = encodeProxyV2(client)
        const read = parseProxyHeader(second)
        expect(read).toMatchObject({ ...ends, version: 2, length: second.length })
        if (read.kind !== 'header') return
        const value = (type: number) => read.tlvs.find((tlv) => tlv.type === type)?.value.toString()
        expect([value(0x01), value(0x02), value(0x05), value(0xe0)]).toEqual([
          alpnProtocol || undefined,
          serverName || undefined,
          'c-1',
          'shop',
        ])
        const first = encodeProxyV1(client)
        expect(first.length).toBeLessThanOrEqual(107)
        expect(parseProxyHeader(first)).toMatchObject({ ...ends, version: 1, length: first.length })
      },
    ),
    { numRuns: 1000 },
  )
})
