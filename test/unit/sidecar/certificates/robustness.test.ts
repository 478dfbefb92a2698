import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assess } from '../../../../sidecar/certificates/assess.ts'
import { readCaBundle } from '../../../../sidecar/certificates/ca-bundle.ts'
import { readElement, readElements, readOid } from '../../../../sidecar/certificates/der-reader.ts'
import { integer, oid, sequence } from '../../../../sidecar/certificates/der-writer.ts'
import { loadSecret, type SecretEntries } from '../../../../sidecar/certificates/load.ts'
import { createAuthority } from '../../../support/certificates.ts'

const RUNS = { numRuns: 1000 }
const NOW = Date.now()
const root = createAuthority()
const mid = root.intermediate()
const issued = [
  mid.issue({ names: ['shop.test'], ips: ['2001:db8::1'], issuerUrls: ['http://ca.test/'] }),
  mid.issue({ names: ['shop.test'], keyType: 'RSA-2048' }),
  mid.issue({ names: ['shop.test'], keyType: 'Ed25519' }),
]

const entriesOf = (crt: Uint8Array, key: Uint8Array, ca: Uint8Array): SecretEntries => ({
  'tls.crt': { kind: 'bytes', bytes: crt },
  'tls.key': { kind: 'bytes', bytes: key },
  'ca.crt': { kind: 'bytes', bytes: ca },
})

/** Whatever comes in: a verdict, with reasons when it is bad. */
function judge(entries: SecretEntries): void {
  const loaded = loadSecret(entries, NOW)
  if (loaded.kind === 'unusable') {
    expect(loaded.messages.length).toBeGreaterThan(0)
    for (const message of loaded.messages) expect(message).toMatch(/^[\x20-\x7e\u00a0-\uffff]+; .+$/)
    return
  }
  for (const strength of [1, 4] as const)
    assess(loaded.material, { hostNames: ['shop.test'], strength, purpose: 'server', certExpireDays: 30 }, NOW)
}

type Mutation = { at: number; kind: 'flip' | 'cut' | 'insert' | 'remove'; value: number }
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  kind: fc.constantFrom('flip', 'cut', 'insert', 'remove'),
  value: fc.integer({ min: 0, max: 255 }),
})

function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Buffer {
  return mutations.reduce((buffer, { at, kind, value }) => {
    const index = Math.floor(at * buffer.length)
    const head = buffer.subarray(0, index)
    if (kind === 'cut') return head
    if (kind === 'remove') return Buffer.concat([head, buffer.subarray(index + 1)])
    const rest = kind === 'insert' ? buffer.subarray(index) : buffer.subarray(index + 1)
    return Buffer.concat([head, Buffer.from([value]), rest])
  }, Buffer.from(bytes))
}

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
const pemOf = (label: string, der: Uint8Array) =>
  Buffer.from(`-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`)

describe('no bytes crash, hang or go without a reason', { timeout: 120_000 }, () => {
  test('random bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 2000 })
    fc.assert(
      fc.property(bytes, bytes, bytes, (crt, key, ca) => judge(entriesOf(crt, key, ca))),
      RUNS,
    )
  })

  test('random PEM', () => {
    const label = fc.constantFrom('CERTIFICATE', 'PRIVATE KEY', 'EC PRIVATE KEY', 'TRUSTED CERTIFICATE', 'X')
    const piece = fc.oneof(
      fc.tuple(label, fc.uint8Array({ maxLength: 200 })).map(([name, bytes]) => pemOf(name, bytes).toString()),
      fc.constantFrom('-----BEGIN ', '-----END ', '-----', 'CERTIFICATE', '\n', issued[0]?.certPem ?? '', root.cert),
      fc.string(),
    )
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')))
    fc.assert(
      fc.property(text, text, text, (crt, key, ca) => judge(entriesOf(crt, key, ca))),
      RUNS,
    )
  })

  test('mutated PEM of certificates and keys', () => {
    const mutations = fc.array(mutation, { maxLength: 4 })
    fc.assert(
      fc.property(fc.constantFrom(...issued), mutations, mutations, mutations, (one, a, b, c) => {
        const crt = Buffer.from(one.certPem + mid.cert)
        judge(entriesOf(mutate(crt, a), mutate(Buffer.from(one.keyPem), b), mutate(Buffer.from(root.cert), c)))
      }),
      RUNS,
    )
  })

  test('mutated DER of certificates and keys inside good PEM', () => {
    const mutations = fc.array(mutation, { maxLength: 3 })
    fc.assert(
      fc.property(fc.constantFrom(...issued), mutations, mutations, mutations, (one, a, b, c) => {
        const leaf = pemOf('CERTIFICATE', mutate(derOf(one.certPem), a))
        const issuer = pemOf('CERTIFICATE', mutate(derOf(mid.cert), b))
        const ca = pemOf('CERTIFICATE', mutate(derOf(root.cert), c))
        judge(entriesOf(Buffer.concat([leaf, issuer]), Buffer.from(one.keyPem), ca))
        judge(entriesOf(leaf, pemOf('PRIVATE KEY', mutate(derOf(one.keyPem), b)), ca))
      }),
      RUNS,
    )
  })

  test('truncated certificates and keys', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom(...issued), part, part, (one, a, b) => {
        const cut = (text: string, where: number) => Buffer.from(text.slice(0, Math.round(where * text.length)))
        judge(entriesOf(cut(one.certPem + mid.cert, a), cut(one.keyPem, b), Buffer.alloc(0)))
        judge(entriesOf(derOf(one.certPem).subarray(0, Math.round(a * 900)), derOf(one.keyPem), Buffer.alloc(0)))
      }),
      RUNS,
    )
  })

  test('bundles of CAs', () => {
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), (mutations) => {
        const bytes = mutate(Buffer.from(root.cert + mid.cert + root.cert), mutations)
        const bundle = readCaBundle({ kind: 'bytes', bytes }, 'Secret "x"', 'ca.crt', NOW)
        expect(bundle.pem.length + bundle.messages.length).toBeGreaterThan(0)
      }),
      RUNS,
    )
  })

  test('a megabyte of BEGIN lines is done with at once', () => {
    for (const line of [
      '-----BEGIN ',
      '-----BEGIN CERTIFICATE-----',
      '-----BEGIN CERTIFICATE-----\n-----END X-----\n',
    ]) {
      const bytes = Buffer.from(line.repeat(Math.floor(1_000_000 / line.length)))
      const start = performance.now()
      judge(entriesOf(bytes, bytes, Buffer.alloc(0)))
      expect(performance.now() - start).toBeLessThan(5_000)
    }
  })
})

describe('DER', () => {
  test('that is written is read back', () => {
    const arcs = fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 0, max: 39 }),
        arcs,
        fc.uint8Array(),
        (a, b, rest, n) => {
          const dotted = [a, b, ...rest].join('.')
          const [id, number] = readElements(readElement(sequence(oid(dotted), integer(n))).content)
          expect(id && readOid(id.content)).toBe(dotted)
          expect(BigInt(`0x0${number?.content.toString('hex')}`)).toBe(BigInt(`0x0${Buffer.from(n).toString('hex')}`))
        },
      ),
    )
  })

  test('of any length is framed', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65535, 65536]) {
      const whole = sequence(Buffer.alloc(length))
      expect(readElement(whole).content).toHaveLength(length)
      expect(() => readElement(whole.subarray(0, -1))).toThrow(RangeError)
    }
  })
})
