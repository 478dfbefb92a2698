import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import {
  bitString,
  element,
  explicit,
  implicit,
  integer,
  NULL,
  octetString,
  oid,
  sequence,
  set,
  TRUE,
  time,
  utf8String,
} from './der-writer.ts'

/** A digest that a signature may be made with. */
export type SignatureHash = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** What a certificate says (RFC 5280), for certificates that this program makes itself. */
export interface CertificateContent {
  /** Common name of the subject. */
  readonly commonName: string
  /** Organizations of the subject; a Kubernetes API server reads groups of the client from them. */
  readonly organizations?: readonly string[]
  /** DNS names and IP literals for subjectAltName; empty leaves the extension out. */
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  /** A CA certificate: basicConstraints with cA, and keyCertSign. */
  readonly isCa: boolean
  /** Extended key usages by dotted identifier; empty leaves the extension out. */
  readonly extendedKeyUsages?: readonly string[]
  /** URLs where the issuer's own certificate is found (RFC 5280, 4.2.2.1). */
  readonly issuerUrls?: readonly string[]
  /** Leaves keyCertSign out of a CA certificate: a fault for tests. */
  readonly withoutCertSign?: boolean
  /** Digest of the signature; Ed25519 keys have one of their own and ignore it. */
  readonly signatureHash?: SignatureHash
  /** Further entries of subjectAltName as (tag number, bytes): for tests of what a certificate may hold. */
  readonly rawNames?: readonly { readonly tag: number; readonly content: Uint8Array }[]
}

/** Who signs: the subject of its certificate, and its private key. */
export interface CertificateSigner {
  readonly commonName: string
  readonly key: KeyObject
}

/** Extended key usage of TLS servers. */
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
/** Extended key usage of TLS clients. */
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

const RSA_SIGNATURES = { sha1: 5, sha256: 11, sha384: 12, sha512: 13 }
const ECDSA_SIGNATURES = { sha1: '1', sha256: '3.2', sha384: '3.3', sha512: '3.4' }

function algorithmOf(key: KeyObject, hash: SignatureHash): { identifier: Buffer; digest: SignatureHash | null } {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { identifier: sequence(oid(`1.2.840.113549.1.1.${RSA_SIGNATURES[hash]}`), NULL), digest: hash }
    case 'ec':
      return { identifier: sequence(oid(`1.2.840.10045.4.${ECDSA_SIGNATURES[hash]}`)), digest: hash }
    default:
      return { identifier: sequence(oid('1.3.101.112')), digest: null }
  }
}

const nameOf = (commonName: string, organizations: readonly string[] = []) =>
  sequence(
    ...organizations.map((organization) => set(sequence(oid('2.5.4.10'), utf8String(organization)))),
    set(sequence(oid('2.5.4.3'), utf8String(commonName))),
  )

const keyIdentifier = (spki: Buffer) => createHash('sha1').update(spki).digest()

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined) => (text ? text.split(':').map((part) => Number.parseInt(part, 16)) : [])
  const before = groups(head)
  const after = groups(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return Buffer.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]))
}

const extension = (id: string, critical: boolean, value: Buffer) =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octetString(value))

function extensionsOf(content: CertificateContent, spki: Buffer, issuerSpki: Buffer): Buffer[] {
  const names = [
    ...content.names.map((name) =>
      isIP(name) ? implicit(7, addressBytes(name)) : implicit(2, Buffer.from(name, 'latin1')),
    ),
    ...(content.rawNames ?? []).map((entry) => implicit(entry.tag, entry.content)),
  ]
  const usage = content.isCa
    ? bitString(Buffer.from([content.withoutCertSign ? 0x02 : 0x06]), 1)
    : bitString(Buffer.from([0x80]), 7)
  const list = [
    extension('2.5.29.19', true, sequence(...(content.isCa ? [TRUE] : []))),
    extension('2.5.29.15', true, usage),
    extension('2.5.29.14', false, octetString(keyIdentifier(spki))),
    extension('2.5.29.35', false, sequence(implicit(0, keyIdentifier(issuerSpki)))),
  ]
  if (names.length > 0) list.push(extension('2.5.29.17', false, sequence(...names)))
  const usages = content.extendedKeyUsages ?? []
  if (usages.length > 0) list.push(extension('2.5.29.37', false, sequence(...usages.map(oid))))
  const urls = content.issuerUrls ?? []
  if (urls.length > 0) {
    const access = urls.map((url) => sequence(oid('1.3.6.1.5.5.7.48.2'), implicit(6, Buffer.from(url, 'latin1'))))
    list.push(extension('1.3.6.1.5.5.7.1.1', false, sequence(...access)))
  }
  return list
}

/**
 * Makes and signs an X.509 v3 certificate (RFC 5280) for `publicKey` and returns it as PEM.
 * The serial number is random, of 127 bits. Keys are RSA, EC or Ed25519.
 */
export function writeCertificate(content: CertificateContent, publicKey: KeyObject, signer: CertificateSigner): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const issuerSpki = createPublicKey(signer.key.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  })
  const { identifier, digest } = algorithmOf(signer.key, content.signatureHash ?? 'sha256')
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const body = sequence(
    explicit(0, element(0x02, Buffer.from([2]))),
    integer(serial),
    identifier,
    nameOf(signer.commonName),
    sequence(time(content.notBefore), time(content.notAfter)),
    content.commonName === '' ? sequence() : nameOf(content.commonName, content.organizations),
    spki,
    explicit(3, sequence(...extensionsOf(content, spki, issuerSpki))),
  )
  const certificate = sequence(body, identifier, bitString(sign(digest, body, signer.key)))
  const lines = certificate.toString('base64').replace(/(.{64})(?!$)/g, '$1\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
