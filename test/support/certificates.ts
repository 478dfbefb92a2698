import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CertificateSigner,
  CLIENT_AUTH,
  SERVER_AUTH,
  type SignatureHash,
  writeCertificate,
} from '../../sidecar/certificates/certificate-writer.ts'

/** Keys that a test certificate may have. */
export type TestKeyType =
  | 'EC P-256'
  | 'EC P-384'
  | 'EC P-521'
  | 'RSA-1024'
  | 'RSA-2048'
  | 'RSA-3072'
  | 'RSA-4096'
  | 'RSA-8192'
  | 'Ed25519'

/** What a test asks of a certificate; everything has a default that makes a good one. */
export interface IssueOptions {
  /** DNS names and IP literals of subjectAltName. */
  readonly names?: readonly string[]
  /** IP literals, added to `names`. */
  readonly ips?: readonly string[]
  /** Default: the first name. */
  readonly commonName?: string
  readonly organizations?: readonly string[]
  /** Default `EC P-256`. */
  readonly keyType?: TestKeyType
  /** The key to certify, instead of a fresh one of `keyType`. */
  readonly key?: string | KeyObject
  /** Default: an hour ago. */
  readonly notBefore?: Date
  /** Default: in 90 days. */
  readonly notAfter?: Date
  readonly isCa?: boolean
  /** A certificate for a TLS client (extended key usage clientAuth) instead of a server. */
  readonly client?: boolean
  readonly signatureHash?: SignatureHash
  /** A CA certificate that may not sign certificates: a fault. */
  readonly withoutCertSign?: boolean
  /** URLs of the issuer's certificate (authority information access). */
  readonly issuerUrls?: readonly string[]
  /** Raw entries of subjectAltName. */
  readonly rawNames?: readonly { readonly tag: number; readonly content: Uint8Array }[]
}

/** A certificate with its key. */
export interface Issued {
  readonly certPem: string
  /** PKCS#8. */
  readonly keyPem: string
  readonly certificate: X509Certificate
  readonly privateKey: KeyObject
}

/** A CA of a test: a root, or an intermediate under one. */
export interface Authority extends Issued {
  /** Its own certificate as PEM. */
  readonly cert: string
  /** Its own private key as PEM. */
  readonly key: string
  /** Its certificate and those above it, without the root: what a server appends to a leaf. Empty for a root. */
  readonly chainPem: string
  /** The root's certificate as PEM: what a client trusts. */
  readonly rootPem: string
  /** Issues a certificate; `certPem` is the leaf alone, append `chainPem` when there are intermediates. */
  issue(options?: IssueOptions): Issued
  /** Makes a CA under this one. */
  intermediate(options?: IssueOptions & { readonly name?: string }): Authority
}

const RSA_KEYS = new Map<string, KeyObject[]>()
const RSA_TURN = new Map<string, number>()

/** RSA keys are slow to make: two of each size are made per process and take turns. */
function rsaKey(bits: number): KeyObject {
  const id = String(bits)
  const keys = RSA_KEYS.get(id) ?? []
  RSA_KEYS.set(id, keys)
  const turn = RSA_TURN.get(id) ?? 0
  RSA_TURN.set(id, turn + 1)
  const index = turn % 2
  keys[index] ??= generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
  return keys[index]
}

/** A private key of a type; consecutive keys of one type differ. */
export function createKey(keyType: TestKeyType = 'EC P-256'): KeyObject {
  if (keyType === 'Ed25519') return generateKeyPairSync('ed25519').privateKey
  if (keyType.startsWith('EC ')) return generateKeyPairSync('ec', { namedCurve: keyType.slice(3) }).privateKey
  return rsaKey(Number(keyType.slice(4)))
}

/** A private key as PKCS#8 PEM. */
export const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const HOUR = 3_600_000
const DAY = 24 * HOUR

function make(options: IssueOptions, commonName: string, issuer: CertificateSigner | undefined, isCa: boolean): Issued {
  const privateKey =
    options.key === undefined
      ? createKey(options.keyType)
      : typeof options.key === 'string'
        ? createPrivateKey(options.key)
        : options.key
  const certPem = writeCertificate(
    {
      commonName,
      names: [...(options.names ?? []), ...(options.ips ?? [])],
      notBefore: options.notBefore ?? new Date(Date.now() - HOUR),
      notAfter: options.notAfter ?? new Date(Date.now() + 90 * DAY),
      isCa,
      extendedKeyUsages: isCa ? [] : [options.client ? CLIENT_AUTH : SERVER_AUTH],
      ...(options.organizations ? { organizations: options.organizations } : {}),
      ...(options.issuerUrls ? { issuerUrls: options.issuerUrls } : {}),
      ...(options.withoutCertSign ? { withoutCertSign: true } : {}),
      ...(options.signatureHash ? { signatureHash: options.signatureHash } : {}),
      ...(options.rawNames ? { rawNames: options.rawNames } : {}),
    },
    createPublicKey(pemOf(privateKey)),
    issuer ?? { commonName, key: privateKey },
  )
  return { certPem, keyPem: pemOf(privateKey), certificate: new X509Certificate(certPem), privateKey }
}

let authorities = 0

function authorityOf(own: Issued, commonName: string, above: Authority | undefined): Authority {
  const signer = { commonName, key: own.privateKey }
  const authority: Authority = {
    ...own,
    cert: own.certPem,
    key: own.keyPem,
    chainPem: above ? own.certPem + above.chainPem : '',
    rootPem: above ? above.rootPem : own.certPem,
    issue: (options = {}) =>
      make(options, options.commonName ?? options.names?.[0] ?? options.ips?.[0] ?? '', signer, options.isCa ?? false),
    intermediate(options = {}) {
      authorities += 1
      const name = options.name ?? options.commonName ?? `Test Intermediate ${authorities}`
      return authorityOf(make(options, name, signer, options.isCa ?? true), name, authority)
    },
  }
  return authority
}

/** Makes a root CA. */
export function createAuthority(options: IssueOptions & { readonly name?: string } = {}): Authority {
  authorities += 1
  const name = options.name ?? `Test Root ${authorities}`
  return authorityOf(make(options, name, undefined, true), name, undefined)
}

/** Makes a certificate signed by its own key, as `openssl req -x509` does: with the CA flag unless `isCa` is false. */
export function createSelfSigned(options: IssueOptions = {}): Issued {
  return make(options, options.commonName ?? options.names?.[0] ?? '', undefined, options.isCa ?? true)
}

/** The files of a Secret, by what they hold; whatever is left out is not written. */
export interface SecretContent {
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly ca?: string | Buffer
}

function filesOf(content: SecretContent): Record<string, string | Buffer> {
  return {
    ...(content.cert === undefined ? {} : { 'tls.crt': content.cert }),
    ...(content.key === undefined ? {} : { 'tls.key': content.key }),
    ...(content.ca === undefined ? {} : { 'ca.crt': content.ca }),
  }
}

/** Writes a Secret as plain files, in place, one after the other, as `cp` does; returns its directory. */
export function writeSecret(directory: string, name: string, content: SecretContent): string {
  const path = join(directory, name)
  mkdirSync(path, { recursive: true })
  for (const [file, text] of Object.entries(filesOf(content))) writeFileSync(join(path, file), text)
  return path
}

/** Makes an empty directory for one test below the system's directory for temporary files. */
export const createDirectory = (): string => mkdtempSync(join(tmpdir(), 'socketserver-certificates-'))
