import type { KeyObject } from 'node:crypto'
import type { Certificate } from './inspect.ts'

/** OpenSSL's SECLEVEL (SSL_CTX_set_security_level(3)). */
export type Strength = 1 | 2 | 3 | 4

/** What each level asks for, as OpenSSL judges it: bits of security, and the keys that give them. */
const LEVELS: Readonly<Record<Strength, { bits: number; rsa: number; ec: number; keys: string; digest: string }>> = {
  1: { bits: 80, rsa: 1024, ec: 160, keys: 'RSA 1024 or EC P-256', digest: 'SHA-256' },
  2: { bits: 112, rsa: 2048, ec: 224, keys: 'RSA 2048 or EC P-256', digest: 'SHA-256' },
  3: { bits: 128, rsa: 3072, ec: 256, keys: 'RSA 3072 or EC P-256', digest: 'SHA-256' },
  4: { bits: 192, rsa: 7680, ec: 384, keys: 'EC P-384 or RSA 7680', digest: 'SHA-384' },
}

const CURVE_BITS: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 }

/** Key types a TLS server can sign with (RFC 8446, 4.2.3) whose strength does not vary. */
const FIXED_BITS: Readonly<Record<string, number>> = {
  ed25519: 128,
  ed448: 224,
  'ml-dsa-44': 128,
  'ml-dsa-65': 192,
  'ml-dsa-87': 256,
}

/** Whether a TLS server can use a key of this type at all. */
export function isServerKey(key: KeyObject): boolean {
  const type = key.asymmetricKeyType ?? ''
  if (type === 'ec') return (key.asymmetricKeyDetails?.namedCurve ?? '') in CURVE_BITS
  return type === 'rsa' || type === 'rsa-pss' || type in FIXED_BITS
}

function isStrongKey(key: KeyObject, strength: Strength): boolean {
  const level = LEVELS[strength]
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  const type = key.asymmetricKeyType ?? ''
  if (type === 'rsa' || type === 'rsa-pss') return modulusLength >= level.rsa
  if (type === 'ec') return (CURVE_BITS[namedCurve] ?? 0) >= level.ec
  return (FIXED_BITS[type] ?? 0) >= level.bits
}

/** Bits of security of the digest of a signature, as OpenSSL counts them; unknown algorithms are left to OpenSSL. */
const DIGEST_BITS: Readonly<Record<string, { bits: number; name: string }>> = {
  '1.2.840.113549.1.1.2': { bits: 39, name: 'MD2' },
  '1.2.840.113549.1.1.4': { bits: 39, name: 'MD5' },
  '1.2.840.113549.1.1.5': { bits: 63, name: 'SHA-1' },
  '1.2.840.113549.1.1.14': { bits: 112, name: 'SHA-224' },
  '1.2.840.113549.1.1.11': { bits: 128, name: 'SHA-256' },
  '1.2.840.113549.1.1.12': { bits: 192, name: 'SHA-384' },
  '1.2.840.113549.1.1.13': { bits: 256, name: 'SHA-512' },
  '1.2.840.10045.4.1': { bits: 63, name: 'SHA-1' },
  '1.2.840.10045.4.3.1': { bits: 112, name: 'SHA-224' },
  '1.2.840.10045.4.3.2': { bits: 128, name: 'SHA-256' },
  '1.2.840.10045.4.3.3': { bits: 192, name: 'SHA-384' },
  '1.2.840.10045.4.3.4': { bits: 256, name: 'SHA-512' },
  '1.3.14.3.2.26': { bits: 63, name: 'SHA-1' },
  '2.16.840.1.101.3.4.2.1': { bits: 128, name: 'SHA-256' },
  '2.16.840.1.101.3.4.2.2': { bits: 192, name: 'SHA-384' },
  '2.16.840.1.101.3.4.2.3': { bits: 256, name: 'SHA-512' },
  '1.3.101.112': { bits: 128, name: 'Ed25519' },
  '1.3.101.113': { bits: 224, name: 'Ed448' },
}

/**
 * Why a certificate of a chain is too weak for a level, as OpenSSL would refuse it, with the cure; undefined when it is
 * not. The sentence goes on from the certificate's name. The signature of a self-signed certificate proves nothing and
 * does not count.
 */
export function whyTooWeak(certificate: Certificate, strength: Strength, isLeaf: boolean): string | undefined {
  const level = LEVELS[strength]
  const { keyType, isSelfSigned } = certificate.facts
  const lower = 'choose a lower securityLevel'
  if (!isStrongKey(certificate.publicKey, strength)) {
    const cure = isLeaf ? `order it with at least ${level.keys}` : `order from a CA with at least ${level.keys}`
    return `has a key "${keyType}", too weak for the securityLevel of the host; ${cure}, or ${lower}`
  }
  const digest = DIGEST_BITS[certificate.anatomy.pssDigestOid ?? certificate.anatomy.signatureOid]
  if (isSelfSigned || !digest || digest.bits >= level.bits) return undefined
  const cure = `order from a CA that signs with at least ${level.digest}`
  return `is signed with "${digest.name}", too weak for the securityLevel of the host; ${cure}${strength > 2 ? `, or ${lower}` : ''}`
}
