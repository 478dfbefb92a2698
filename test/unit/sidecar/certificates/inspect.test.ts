import { X509Certificate } from 'node:crypto'
import { SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressText } from '../../../../sidecar/certificates/anatomy.ts'
import { inspect, inspectPem } from '../../../../sidecar/certificates/inspect.ts'
import { createAuthority, createSelfSigned, type TestKeyType } from '../../../support/certificates.ts'

const root = createAuthority({ name: 'Inspect Root' })
const factsOf = (pem: string) => inspect(new X509Certificate(pem)).facts

describe('the facts of a certificate', () => {
  test('say subject, names, issuer, dates and hash', () => {
    const { certPem, certificate } = root.issue({
      commonName: 'shop.example.com',
      names: ['Shop.example.com', '*.shop.example.com', '192.0.2.7', '2001:db8::7'],
      notBefore: new Date('2026-01-02T03:04:05Z'),
      notAfter: new Date('2027-01-30T00:00:00Z'),
    })
    expect(factsOf(certPem)).toEqual({
      subject: 'CN=shop.example.com',
      names: ['shop.example.com', '*.shop.example.com', '192.0.2.7', '2001:db8::7'],
      issuer: 'CN=Inspect Root',
      serialNumber: certificate.serialNumber.toLowerCase(),
      sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      keyType: 'EC P-256',
      notBefore: '2026-01-02T03:04:05Z',
      notAfter: '2027-01-30T00:00:00Z',
      isCa: false,
      isSelfSigned: false,
      signatureAlgorithm: 'ecdsa-with-SHA256',
    })
  })

  const KEY_TYPES: Record<string, TestKeyType> = {
    'EC P-256': 'EC P-256',
    'EC P-384': 'EC P-384',
    'EC P-521': 'EC P-521',
    'RSA 2048': 'RSA-2048',
    'RSA 3072': 'RSA-3072',
    Ed25519: 'Ed25519',
  }
  test.each(Object.entries(KEY_TYPES))('name the key type %s', (name, keyType) => {
    expect(factsOf(root.issue({ names: ['a.test'], keyType }).certPem).keyType).toBe(name)
  })

  test('take the first name for the subject when there is no common name', () => {
    expect(factsOf(root.issue({ names: ['a.test', 'b.test'], commonName: '' }).certPem).subject).toBe('a.test')
  })

  test('take the common name for a name only when there is no subjectAltName', () => {
    expect(factsOf(root.issue({ commonName: 'Old.test' }).certPem).names).toEqual(['old.test'])
    expect(factsOf(root.issue({ commonName: 'old.test', names: ['a.test'] }).certPem).names).toEqual(['a.test'])
    expect(factsOf(root.issue({ commonName: 'old.test', names: ['192.0.2.1'] }).certPem).names).toEqual(['192.0.2.1'])
  })

  test('keep a name that looks like two names one name', () => {
    const rawNames = [{ tag: 2, content: Buffer.from('a.test, DNS:b.test') }]
    expect(factsOf(root.issue({ names: ['x.test'], rawNames }).certPem).names).toEqual(['x.test', 'a.test, dns:b.test'])
  })

  test('write control characters of a name out', () => {
    const rawNames = [{ tag: 2, content: Buffer.from('a.test\0.evil.test\n\x1b[31m') }]
    expect(factsOf(root.issue({ rawNames, commonName: 'x' }).certPem).names).toEqual([
      'a.test\\x00.evil.test\\x0a\\x1b[31m',
    ])
  })

  test('leave mail addresses and URIs out of the names', () => {
    const rawNames = [
      { tag: 1, content: Buffer.from('a@b.test') },
      { tag: 6, content: Buffer.from('spiffe://b.test/x') },
    ]
    expect(factsOf(root.issue({ names: ['a.test'], rawNames }).certPem).names).toEqual(['a.test'])
  })

  test('know a CA and a certificate signed by its own key', () => {
    expect(factsOf(root.cert)).toMatchObject({ isCa: true, isSelfSigned: true })
    expect(factsOf(root.intermediate().cert)).toMatchObject({ isCa: true, isSelfSigned: false })
    expect(factsOf(createSelfSigned({ names: ['a.test'] }).certPem)).toMatchObject({ isSelfSigned: true })
  })

  test('do not take a certificate of the same name for signed by itself', () => {
    const impostor = root.issue({ commonName: 'Inspect Root', isCa: true })
    expect(factsOf(impostor.certPem).isSelfSigned).toBe(false)
  })
})

test('an IPv6 address is written in its shortest form, as the system writes it', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      // An address in the IPv4-mapped or -compatible range is written in a mixed form by the system.
      fc.pre(groups.slice(0, 5).some((one) => one !== 0))
      const bytes = Buffer.from(groups.flatMap((one) => [one >> 8, one & 0xff]))
      const text = groups.map((one) => one.toString(16)).join(':')
      expect(addressText(bytes)).toBe(new SocketAddress({ address: text, family: 'ipv6' }).address)
    }),
  )
})

describe('the blocks of a PEM text', () => {
  test('are read one by one, and a damaged one costs nobody else', () => {
    const one = root.issue({ names: ['one.test'] }).certPem
    const two = root.issue({ names: ['two.test'] }).certPem
    const damaged = one.replace(/\n(.{30})/, '\nAAAA$1')
    const kinds = inspectPem(`text\n${one}${damaged}${two}`).map((block) => block.kind)
    expect(kinds).toEqual(['certificate', 'unreadable', 'certificate'])
  })

  test('are not taken when their end is missing', () => {
    const pem = root.issue({ names: ['one.test'] }).certPem
    expect(inspectPem(pem.slice(0, -30))).toEqual([
      { kind: 'unreadable', reason: 'it is cut off: its END line is missing' },
    ])
  })
})
