import { type KeyObject, X509Certificate } from 'node:crypto'
import { type Anatomy, dissect } from './anatomy.ts'
import { pemBlocks } from './pem.ts'

/** What a certificate says, in words fit for status, logs and metrics. */
export interface CertificateFacts {
  /** Distinguished name on one line, for example `CN=shop.example.com, O=Shop`; without a CN the first of `names`. */
  readonly subject: string
  /** DNS names (lower-case) and IP addresses of subjectAltName; the CN alone when that extension is missing. */
  readonly names: readonly string[]
  /** Distinguished name of the issuer on one line. */
  readonly issuer: string
  /** Lower-case hexadecimal. */
  readonly serialNumber: string
  /** Lower-case hexadecimal SHA-256 of the DER. */
  readonly sha256: string
  /** For example `EC P-256`, `RSA 2048`, `Ed25519`. */
  readonly keyType: string
  /** RFC 3339, UTC. */
  readonly notBefore: string
  /** RFC 3339, UTC. */
  readonly notAfter: string
  /** Whether basicConstraints makes it a CA. */
  readonly isCa: boolean
  /** Whether its own key signed it. */
  readonly isSelfSigned: boolean
  /** OpenSSL's name, for example `ecdsa-with-SHA256`. */
  readonly signatureAlgorithm: string
}

/** A parsed certificate: the facts for people, and what checks need. */
export interface Certificate {
  readonly facts: CertificateFacts
  readonly anatomy: Anatomy
  readonly x509: X509Certificate
  readonly publicKey: KeyObject
  /** PEM of this certificate alone, freshly written. */
  readonly pem: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }
const NAMED: Readonly<Record<string, string>> = { ed25519: 'Ed25519', ed448: 'Ed448', x25519: 'X25519', dsa: 'DSA' }

/** The name of a key's type and size, for example `EC P-256`, `RSA 2048`, `Ed25519`. */
function keyTypeOf(key: KeyObject): string {
  const type = key.asymmetricKeyType ?? 'unknown'
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  if (type === 'ec') return `EC ${CURVES[namedCurve ?? ''] ?? namedCurve ?? 'unknown'}`
  if (type === 'rsa') return `RSA ${modulusLength ?? 0}`
  if (type === 'rsa-pss') return `RSA-PSS ${modulusLength ?? 0}`
  return NAMED[type] ?? type.toUpperCase()
}

const oneLine = (name: string | undefined) => (name ?? '').split('\n').filter(Boolean).join(', ')
const rfc3339 = (moment: number) => new Date(moment).toISOString().replace('.000Z', 'Z')

function isSelfSigned(x509: X509Certificate, anatomy: Anatomy): boolean {
  if (!anatomy.subject.equals(anatomy.issuer)) return false
  try {
    return x509.verify(x509.publicKey)
  } catch {
    return false
  }
}

/**
 * Tells what a certificate says. Names are read from the DER and never from OpenSSL's text, whose quoting a name like
 * `a, DNS:b` could play with.
 * @throws {Error} when the certificate, its dates or its key cannot be understood.
 */
export function inspect(x509: X509Certificate): Certificate {
  const anatomy = dissect(x509.raw)
  const notBefore = Date.parse(x509.validFrom)
  const notAfter = Date.parse(x509.validTo)
  if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) throw new RangeError('its dates cannot be read')
  const listed = [...anatomy.dnsNames, ...anatomy.ipAddresses]
  const names = anatomy.hasSan || anatomy.commonName === undefined ? listed : [anatomy.commonName.toLowerCase()]
  const subject = oneLine(x509.subject)
  return {
    x509,
    anatomy,
    publicKey: x509.publicKey,
    pem: x509.toString(),
    notBefore,
    notAfter,
    facts: {
      subject: anatomy.commonName === undefined ? (names[0] ?? subject) : subject,
      names,
      issuer: oneLine(x509.issuer),
      serialNumber: x509.serialNumber.toLowerCase(),
      sha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      keyType: keyTypeOf(x509.publicKey),
      notBefore: rfc3339(notBefore),
      notAfter: rfc3339(notAfter),
      isCa: anatomy.isCa,
      isSelfSigned: isSelfSigned(x509, anatomy),
      signatureAlgorithm: x509.signatureAlgorithm ?? anatomy.signatureOid,
    },
  }
}

/** One PEM block that should hold a certificate. */
export type InspectedBlock =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'unreadable'; readonly reason: string }

const CERTIFICATE_LABELS = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'])

/** Reads every certificate of a PEM text, in order; other blocks (keys, parameters) are passed over. Never throws. */
export function inspectPem(text: string): readonly InspectedBlock[] {
  return pemBlocks(text)
    .filter((block) => CERTIFICATE_LABELS.has(block.label))
    .map((block): InspectedBlock => {
      if (!block.complete) return { kind: 'unreadable', reason: 'it is cut off: its END line is missing' }
      try {
        return { kind: 'certificate', certificate: inspect(new X509Certificate(block.text)) }
      } catch {
        return { kind: 'unreadable', reason: 'its text is damaged' }
      }
    })
}
