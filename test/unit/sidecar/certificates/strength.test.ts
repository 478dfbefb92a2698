import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { SignatureHash } from '../../../../sidecar/certificates/certificate-writer.ts'
import { inspect } from '../../../../sidecar/certificates/inspect.ts'
import { type Strength, whyDoubtful, whyTooWeak } from '../../../../sidecar/certificates/strength.ts'
import { createAuthority, createSelfSigned, type Issued, type TestKeyType } from '../../../support/certificates.ts'

const STRENGTHS: readonly Strength[] = [1, 2, 3, 4]
const KEY_TYPES: readonly TestKeyType[] = [
  'EC P-256',
  'EC P-384',
  'EC P-521',
  'RSA-1024',
  'RSA-2048',
  'RSA-3072',
  'RSA-4096',
  'Ed25519',
]

/** OpenSSL's own judgement is the truth that ours must match. */
function isRefusedByOpenssl({ certPem, keyPem }: Issued, strength: Strength): boolean {
  try {
    tls.createSecureContext({ cert: certPem, key: keyPem, ciphers: `DEFAULT:@SECLEVEL=${strength}` })
    return false
  } catch {
    return true
  }
}

const isRefused = (issued: Issued, strength: Strength) =>
  whyTooWeak(inspect(new X509Certificate(issued.certPem)), strength, true) !== undefined

describe('a key is too weak for a level exactly when OpenSSL says so', () => {
  test.each(KEY_TYPES)('%s of a leaf', { timeout: 60_000 }, (keyType) => {
    const issued = createAuthority().issue({ names: ['a.test'], keyType, signatureHash: 'sha512' })
    for (const strength of STRENGTHS)
      expect([strength, isRefused(issued, strength)]).toEqual([strength, isRefusedByOpenssl(issued, strength)])
  })

  test.each(['EC P-256', 'RSA-1024', 'RSA-2048'] as const)('%s of an intermediate', (keyType) => {
    const mid = createAuthority().intermediate({ keyType, signatureHash: 'sha512' })
    const issued = mid.issue({ names: ['a.test'], keyType: 'EC P-521', signatureHash: 'sha512' })
    const chain = { ...issued, certPem: issued.certPem + mid.chainPem }
    const certificate = inspect(new X509Certificate(mid.cert))
    for (const strength of STRENGTHS)
      expect(whyTooWeak(certificate, strength, false) !== undefined).toBe(isRefusedByOpenssl(chain, strength))
  })
})

describe('the digest of a signature', () => {
  const DIGESTS: Record<string, [hash: SignatureHash, tooWeak: Strength[], doubtful: Strength[]]> = {
    'SHA-1 is refused at every level but the lowest, where it is doubtful': ['sha1', [2, 3, 4], [1, 2, 3, 4]],
    'SHA-256 is doubtful at the highest level': ['sha256', [], [4]],
    'SHA-384 is good at every level': ['sha384', [], []],
    'SHA-512 is good at every level': ['sha512', [], []],
  }
  test.each(Object.entries(DIGESTS))('%s', (_, [signatureHash, tooWeak, doubtful]) => {
    for (const keyType of ['EC P-256', 'RSA-2048'] as const) {
      const issued = createAuthority({ keyType }).issue({ names: ['a.test'], keyType: 'EC P-521', signatureHash })
      const certificate = inspect(new X509Certificate(issued.certPem))
      expect(STRENGTHS.filter((strength) => whyTooWeak(certificate, strength, true))).toEqual(tooWeak)
      expect(STRENGTHS.filter((strength) => whyDoubtful(certificate, strength))).toEqual(doubtful)
    }
  })

  test('of an Ed25519 CA is doubtful at the highest level', () => {
    const issued = createAuthority({ keyType: 'Ed25519' }).issue({ names: ['a.test'], keyType: 'EC P-521' })
    const certificate = inspect(new X509Certificate(issued.certPem))
    expect(STRENGTHS.filter((strength) => whyDoubtful(certificate, strength))).toEqual([4])
  })

  test('of a self-signed certificate does not count', () => {
    const issued = createSelfSigned({ names: ['a.test'], keyType: 'EC P-521', signatureHash: 'sha1' })
    const certificate = inspect(new X509Certificate(issued.certPem))
    expect(STRENGTHS.filter((strength) => whyTooWeak(certificate, strength, true))).toEqual([])
    expect(STRENGTHS.filter((strength) => whyDoubtful(certificate, strength))).toEqual([])
  })
})

test('the reason names what is found and what would do', () => {
  const rsa = createAuthority().issue({ names: ['a.test'], keyType: 'RSA-2048', signatureHash: 'sha1' })
  const certificate = inspect(new X509Certificate(rsa.certPem))
  expect(whyTooWeak(certificate, 3, true)).toBe(
    'has a key "RSA 2048", too weak for the securityLevel of the host; order it with at least RSA 3072 or EC P-256, or choose a lower securityLevel',
  )
  expect(whyTooWeak(certificate, 3, false)).toContain('order from a CA with at least RSA 3072 or EC P-256')
  expect(whyTooWeak(certificate, 2, true)).toBe(
    'is signed with "SHA-1", which clients refuse; order from a CA that signs with at least SHA-256',
  )
})
