import { expect, test } from 'vitest'
import { settledFacts } from '../../../../../sidecar/engine/tls/settled-facts.ts'

const settled = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', group: 'X25519', resumed: false }
const certificate = { subject: 'CN=alice', commonName: 'alice', raw: Buffer.from([1]), sha256: 'ab' }

test('clients that settled the same share their facts, and others do not', () => {
  const facts = settledFacts({ ...settled }, undefined)
  expect(facts).toEqual({ ...settled, peerCertificate: undefined })
  expect(settledFacts({ ...settled }, undefined)).toBe(facts)
  expect(settledFacts({ ...settled, resumed: true }, undefined)).toMatchObject({ resumed: true })
  expect(settledFacts({ ...settled, group: '' }, undefined)).toMatchObject({ group: '' })
})

test('a client with a certificate has facts of its own', () => {
  const facts = settledFacts(settled, certificate)
  expect(facts).toEqual({ ...settled, peerCertificate: certificate })
  expect(settledFacts(settled, certificate)).not.toBe(facts)
  expect(settledFacts(settled, undefined).peerCertificate).toBeUndefined()
})
