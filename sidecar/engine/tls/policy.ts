import { constants } from 'node:crypto'
import tls from 'node:tls'

/** The named security levels (design of TWSocketServer's `SslSrvSecurity`). */
export type SecurityLevelName =
  | 'Backward'
  | 'Intermediate'
  | 'IntermediateForwardSecrecy'
  | 'High'
  | 'High128'
  | 'High192'
  | 'Tls12Only'
  | 'Tls13Only'
  | 'PostQuantum'

/** A protocol version that may be spoken; everything older is never spoken (RFC 8996). */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What a host speaks: a security level with the host's overrides laid over it. */
export interface TlsPolicy {
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** OpenSSL names of the TLS 1.2 suites, in order of preference. */
  readonly ciphers12: readonly string[]
  /** Standard names of the TLS 1.3 suites, in order of preference. */
  readonly ciphers13: readonly string[]
  /** Key exchange groups, in order of preference. */
  readonly groups: readonly string[]
  /** OpenSSL's SECLEVEL: the least strength of keys, signatures and ciphers (SSL_CTX_set_security_level(3)). */
  readonly strength: 1 | 2 | 3 | 4
}

/** What a host lays over its level; an empty list or an absent version leaves the level's own. */
export interface PolicyOverrides {
  readonly minVersion?: TlsVersion | undefined
  readonly maxVersion?: TlsVersion | undefined
  readonly ciphers?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
}

const AES256_13 = 'TLS_AES_256_GCM_SHA384'
const CHACHA_13 = 'TLS_CHACHA20_POLY1305_SHA256'
const SUITES_13 = [AES256_13, CHACHA_13, 'TLS_AES_128_GCM_SHA256']

/** Mozilla's intermediate list without its finite-field suites. */
const INTERMEDIATE_12 = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]

const BACKWARD_12 = [
  ...INTERMEDIATE_12,
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
]

const STRONG_12 = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]

const HYBRID_GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384']

const BASE: TlsPolicy = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers12: INTERMEDIATE_12,
  ciphers13: SUITES_13,
  groups: HYBRID_GROUPS,
  strength: 2,
}

/** Whether a suite, by its standard name, is one of TLS 1.3 alone: it names no key exchange (RFC 8446, B.4). */
export const isSuite13 = (name: string): boolean => name.startsWith('TLS_') && !name.includes('_WITH_')

/** The security levels, one row each. */
export const LEVELS: Readonly<Record<SecurityLevelName, TlsPolicy>> = {
  Backward: { ...BASE, ciphers12: BACKWARD_12, groups: [...HYBRID_GROUPS, 'P-521'], strength: 1 },
  Intermediate: BASE,
  IntermediateForwardSecrecy: BASE,
  High: BASE,
  High128: { ...BASE, strength: 3 },
  High192: {
    ...BASE,
    ciphers12: STRONG_12,
    ciphers13: [AES256_13, CHACHA_13],
    groups: ['X25519MLKEM768', 'P-384', 'P-521'],
    strength: 4,
  },
  Tls12Only: { ...BASE, maxVersion: 'TLSv1.2', groups: ['X25519', 'P-256', 'P-384'] },
  Tls13Only: { ...BASE, minVersion: 'TLSv1.3' },
  PostQuantum: { ...BASE, minVersion: 'TLSv1.3', groups: ['X25519MLKEM768'] },
}

/**
 * Lays a host's overrides over its level. A version outside the level's range widens nothing: the stricter bound wins
 * on the lower side, and the host's upper bound on the upper side. Ciphers of TLS 1.3 and of TLS 1.2 are replaced apart.
 */
export function policyOf(level: SecurityLevelName, overrides: PolicyOverrides = {}): TlsPolicy {
  const base = LEVELS[level]
  const ciphers13 = (overrides.ciphers ?? []).filter(isSuite13)
  const ciphers12 = (overrides.ciphers ?? []).filter((name) => !isSuite13(name))
  return {
    minVersion: base.minVersion === 'TLSv1.3' ? 'TLSv1.3' : (overrides.minVersion ?? base.minVersion),
    maxVersion: base.maxVersion === 'TLSv1.2' ? 'TLSv1.2' : (overrides.maxVersion ?? base.maxVersion),
    ciphers12: ciphers12.length > 0 ? ciphers12 : base.ciphers12,
    ciphers13: ciphers13.length > 0 ? ciphers13 : base.ciphers13,
    groups: overrides.groups && overrides.groups.length > 0 ? overrides.groups : base.groups,
    strength: base.strength,
  }
}

/** Whether the TLS library is OpenSSL, which alone takes the command `@SECLEVEL`; under Bun it is BoringSSL. */
export const isOpenSsl = (() => {
  try {
    tls.createSecureContext({ ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2' })
    return true
  } catch {
    return false
  }
})()

/** The policy as options of `tls.createServer`. */
export function secureContextOptions(policy: TlsPolicy): tls.SecureContextOptions {
  const ciphers = [...policy.ciphers13, ...policy.ciphers12]
  if (isOpenSsl) ciphers.push(`@SECLEVEL=${policy.strength}`)
  return {
    minVersion: policy.minVersion,
    maxVersion: policy.maxVersion,
    ciphers: ciphers.join(':'),
    ecdhCurve: policy.groups.join(':'),
    honorCipherOrder: true,
    // A second handshake on one connection only costs the server; TLS 1.3 has none, and clients of TLS 1.2 need none.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(policy.ciphers12.some((name) => name.startsWith('DHE-')) ? { dhparam: 'auto' } : {}),
  }
}
