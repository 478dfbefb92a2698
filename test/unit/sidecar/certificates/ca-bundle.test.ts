import { describe, expect, test } from 'vitest'
import { isWholeBundle, keepLastGood, readCaBundle } from '../../../../sidecar/certificates/ca-bundle.ts'
import { createAuthority } from '../../../support/certificates.ts'

const NOW = Date.now()
const one = createAuthority({ name: 'One' })
const two = createAuthority({ name: 'Two' })
const expired = createAuthority({ name: 'Old', notBefore: new Date(1e12), notAfter: new Date(1.1e12) })
const leaf = one.issue({ names: ['shop.test'] })
const damaged = two.cert.replace(/\n(.{20})/, '\n????$1')

const read = (text: string | undefined) =>
  readCaBundle(
    text === undefined ? { kind: 'missing' } : { kind: 'bytes', bytes: Buffer.from(text) },
    'ConfigMap "clients"',
    'ca.crt',
    NOW,
  )

const CASES: Record<string, [text: string | undefined, count: number, messages: string[]]> = {
  'one CA': [one.cert, 1, []],
  'several CAs': [one.cert + two.cert, 2, []],
  'a CA twice': [one.cert + one.cert, 1, []],
  'an expired CA, which costs nobody else': [
    expired.cert + one.cert,
    2,
    ['ConfigMap "clients": ca.crt: the CA "CN=Old" expired at 2004-11-09T11:33:20Z; put its successor beside it'],
  ],
  'a damaged CA, which costs nobody else': [
    damaged + one.cert,
    1,
    ['ConfigMap "clients": ca.crt: certificate 1 cannot be read: its text is damaged; write it again or remove it'],
  ],
  'a CA that is cut off': [
    one.cert + two.cert.slice(0, 200),
    1,
    [
      'ConfigMap "clients": ca.crt: certificate 2 cannot be read: it is cut off: its END line is missing; write it again or remove it',
    ],
  ],
  'a certificate that is no CA': [
    leaf.certPem,
    1,
    [
      'ConfigMap "clients": ca.crt: "CN=shop.test" is not the certificate of a CA; put the CA that issued it in its place',
    ],
  ],
  nothing: ['', 0, ['ConfigMap "clients": ca.crt is empty; put PEM text into it']],
  'no entry': [undefined, 0, ['ConfigMap "clients": ca.crt is missing; put CA certificates into it, as PEM']],
  'a key': [
    one.key,
    0,
    ['ConfigMap "clients": ca.crt holds "PRIVATE KEY" and no certificate; put CA certificates into it, as PEM'],
  ],
}

describe('a CA bundle with', () => {
  test.each(Object.entries(CASES))('%s', (_, [text, count, messages]) => {
    const bundle = read(text)
    expect(bundle.pem).toHaveLength(count)
    expect(bundle.messages).toEqual(messages)
    expect(bundle.sha256).toMatch(count > 0 ? /^[0-9a-f]{64}$/ : /^$/)
  })
})

test('an empty bundle never takes the place of one in service', () => {
  const good = read(one.cert)
  const kept = keepLastGood(good, read(''))
  expect(kept.pem).toEqual(good.pem)
  expect(kept.sha256).toBe(good.sha256)
  expect(kept.messages).toEqual([
    'ConfigMap "clients": ca.crt is empty; put PEM text into it; the last good CA certificates are still in service',
  ])
  expect(keepLastGood(good, read(two.cert)).pem).toEqual(read(two.cert).pem)
  expect(keepLastGood(undefined, read('')).pem).toEqual([])
})

test('a bundle is whole when every certificate of it can be read', () => {
  const bytes = (text: string) => ({ kind: 'bytes', bytes: Buffer.from(text) }) as const
  expect(isWholeBundle(bytes(one.cert + expired.cert))).toBe(true)
  expect(isWholeBundle(bytes(one.cert + damaged))).toBe(false)
  expect(isWholeBundle(bytes(''))).toBe(false)
  expect(isWholeBundle({ kind: 'missing' })).toBe(false)
})
