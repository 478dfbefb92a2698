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

const LOWER = 'choose a lower securityLevel'

/** Bits of security that every current client asks of a signature; SHA-1 and MD5 have less. */
const LEAST_DIGEST_BITS = 80

/**
 * Why a certificate of a chain is too weak to be served at a level, with the cure; undefined when it is not. The
 * sentence goes on from the certificate's name. Keys are judged as OpenSSL judges those of its own side; digests that
 * every current client refuses are too weak for every level but the lowest.
 */
export function whyTooWeak(certificate: Certificate, strength: Strength, isLeaf: boolean): string | undefined {
  const level = LEVELS[strength]
  if (!isStrongKey(certificate.publicKey, strength)) {
    const cure = isLeaf ? `order it with at least ${level.keys}` : `order from a CA with at least ${level.keys}`
    return `has a key "${certificate.facts.keyType}", too weak for the securityLevel of the host; ${cure}, or ${LOWER}`
  }
  const digest = digestOf(certificate)
  if (!digest || strength === 1 || digest.bits >= LEAST_DIGEST_BITS) return undefined
  return `is signed with "${digest.name}", which clients refuse; order from a CA that signs with at least ${level.digest}`
}

/**
 * Why a certificate that may be served at a level keeps less than the level promises, with the cure; undefined when it
 * keeps it. OpenSSL serves such a certificate; clients that ask for the same level refuse it.
 */
export function whyDoubtful(certificate: Certificate, strength: Strength): string | undefined {
  const level = LEVELS[strength]
  const digest = digestOf(certificate)
  if (!digest || digest.bits >= level.bits) return undefined
  return `is signed with "${digest.name}", weaker than the securityLevel of the host, so that some clients refuse it; order from a CA that signs with at least ${level.digest}`
}

/** The digest of a signature that counts: a self-signed certificate's proves nothing. */
function digestOf(certificate: Certificate) {
  if (certificate.facts.isSelfSigned) return undefined
  return DIGEST_BITS[certificate.anatomy.pssDigestOid ?? certificate.anatomy.signatureOid]
}
