import tls from 'node:tls'
import { describe, expect, test } from 'vitest'
import { LEVELS, policyOf, secureContextOptions } from '../../../../../sidecar/engine/tls/policy.ts'

describe('policyOf()', () => {
  for (const [level, policy] of Object.entries(LEVELS))
    test(`${level} is accepted by the TLS library`, () => {
      expect(() => tls.createSecureContext(secureContextOptions(policy))).not.toThrow()
    })

  test('an override of TLS 1.2 ciphers leaves those of TLS 1.3', () => {
    const policy = policyOf('High', { ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'] })
    expect(policy.ciphers12).toEqual(['ECDHE-RSA-AES128-GCM-SHA256'])
    expect(policy.ciphers13).toEqual(LEVELS.High.ciphers13)
  })

  test('an override never widens a level of one version', () => {
    expect(policyOf('Tls13Only', { minVersion: 'TLSv1.2' }).minVersion).toBe('TLSv1.3')
    expect(policyOf('Tls12Only', { maxVersion: 'TLSv1.3' }).maxVersion).toBe('TLSv1.2')
  })

  test('an override narrows', () => {
    expect(policyOf('High', { minVersion: 'TLSv1.3' }).minVersion).toBe('TLSv1.3')
    expect(policyOf('High', { groups: ['P-384'] }).groups).toEqual(['P-384'])
  })

  test('no level speaks anything older than TLS 1.2, CBC under SHA-1, or a suite without authentication', () => {
    for (const policy of Object.values(LEVELS)) {
      expect(['TLSv1.2', 'TLSv1.3']).toContain(policy.minVersion)
      for (const cipher of policy.ciphers12) expect(cipher).not.toMatch(/-SHA$|NULL|anon|RC4|3DES|CCM|ARIA/)
    }
  })
})
