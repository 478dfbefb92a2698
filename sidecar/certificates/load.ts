import type { KeyObject } from 'node:crypto'
import { buildChain, type Finding } from './chain.ts'
import { type Certificate, inspectPem } from './inspect.ts'
import { describeNoPem, pemBlocks, textOf } from './pem.ts'
import { isPrivateKey, readPrivateKeys } from './private-key.ts'

/** One entry of a Secret as it was found. A problem goes on from the entry's name, and ends with the cure. */
export type Entry =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly problem: string }

/** The entries of a TLS Secret. */
export interface SecretEntries {
  readonly 'tls.crt': Entry
  readonly 'tls.key': Entry
  readonly 'ca.crt': Entry
}

/** A certificate with its key and chain: what can be served, whoever it is for. */
export interface Material {
  readonly leaf: Certificate
  /** Leaf, then issuers in order, without the root. */
  readonly chain: readonly Certificate[]
  /** The root above the chain, when the Secret holds it; it is not served. */
  readonly root: Certificate | undefined
  /** The chain as PEM. */
  readonly certPem: string
  /** PKCS#8 PEM. */
  readonly keyPem: string
  /** Servers show one certificate for each of these: `RSA`, `EC`, `Ed25519`, ... */
  readonly keyFamily: string
  /** What was found that no clock and no host changes. */
  readonly findings: readonly Finding[]
}

/** What a Secret amounts to. Messages name entry and cure, not the Secret. */
export type LoadResult =
  | { readonly kind: 'material'; readonly material: Material }
  | { readonly kind: 'unusable'; readonly messages: readonly string[] }

/** A file with more certificates than this is a bundle of CAs, not a chain; the rest of it is not looked at. */
const MAX_CERTIFICATES = 64

interface CertificateEntry {
  readonly certificates: readonly Certificate[]
  /** Why blocks of the entry cannot be read. */
  readonly unreadable: readonly string[]
  readonly messages: readonly string[]
}

function readCertificates(entry: Entry): CertificateEntry {
  const nothing = (message: string): CertificateEntry => ({ certificates: [], unreadable: [], messages: [message] })
  if (entry.kind === 'missing')
    return nothing('tls.crt is missing; put the certificate and its intermediates into it, as PEM')
  if (entry.kind === 'unreadable') return nothing(`tls.crt ${entry.problem}`)
  const text = textOf(entry.bytes)
  const blocks = inspectPem(text).slice(0, MAX_CERTIFICATES)
  if (blocks.length === 0) return nothing(`tls.crt ${whyNoCertificate(text, entry.bytes)}`)
  const certificates = blocks.flatMap((block) => (block.kind === 'certificate' ? [block.certificate] : []))
  const unreadable = blocks.flatMap((block, index) =>
    block.kind === 'unreadable'
      ? [`tls.crt: certificate ${index + 1} cannot be read: ${block.reason}; write the whole file again`]
      : [],
  )
  return { certificates, unreadable, messages: [] }
}

function whyNoCertificate(text: string, bytes: Uint8Array): string {
  const blocks = pemBlocks(text)
  if (blocks.length === 0) return describeNoPem(bytes, 'tls.crt')
  if (blocks.some(isPrivateKey))
    return 'holds a private key and no certificate; put the key into tls.key and the certificate into tls.crt'
  if (blocks.some((block) => block.label.endsWith('CERTIFICATE REQUEST')))
    return 'holds a certificate request; have a CA sign it and put the certificate it returns into tls.crt'
  if (blocks.some((block) => block.label === 'PKCS7'))
    return 'holds PKCS#7; convert it: openssl pkcs7 -print_certs -in tls.crt -out tls.crt.pem'
  return `holds "${blocks[0]?.label.slice(0, 64)}" and no certificate; put the certificate into it, as PEM`
}

type KeyEntry = { readonly keys: readonly KeyObject[] } | { readonly message: string }

function readKeys(entry: Entry, isInCertificate: boolean): KeyEntry {
  if (entry.kind === 'missing')
    return {
      message: isInCertificate
        ? 'tls.key is missing and tls.crt holds a private key; move the key from tls.crt into tls.key'
        : 'tls.key is missing; put the private key of the certificate into it, as PEM without a passphrase',
    }
  if (entry.kind === 'unreadable') return { message: `tls.key ${entry.problem}` }
  const found = readPrivateKeys(entry.bytes, 'tls.key')
  return found.kind === 'keys' ? { keys: found.keys } : { message: `tls.key ${found.reason}` }
}

function belongs(certificate: Certificate, key: KeyObject): boolean {
  try {
    return certificate.x509.checkPrivateKey(key)
  } catch {
    return false
  }
}

/** The first pair that belongs together; a certificate within its dates wins over one that is not. */
function matchPair(certificates: readonly Certificate[], keys: readonly KeyObject[], now: number) {
  const pairs = certificates.flatMap((leaf) => {
    const key = keys.find((one) => belongs(leaf, one))
    return key ? [{ leaf, key }] : []
  })
  return pairs.find(({ leaf }) => leaf.notBefore <= now && now <= leaf.notAfter) ?? pairs[0]
}

const ASYMMETRIC_FAMILIES: Readonly<Record<string, string>> = { rsa: 'RSA', 'rsa-pss': 'RSA-PSS', ec: 'EC' }

function readCa(entry: Entry): { certificates: readonly Certificate[]; findings: readonly Finding[] } {
  const warning = (message: string): Finding => ({ severity: 'warning', message })
  if (entry.kind === 'missing') return { certificates: [], findings: [] }
  if (entry.kind === 'unreadable') return { certificates: [], findings: [warning(`ca.crt ${entry.problem}`)] }
  const blocks = inspectPem(textOf(entry.bytes))
  // cert-manager writes an empty ca.crt when an issuer tells no CA.
  if (blocks.length === 0 && entry.bytes.length > 0)
    return { certificates: [], findings: [warning(`ca.crt ${describeNoCa(entry.bytes)}`)] }
  return {
    certificates: blocks.flatMap((block) => (block.kind === 'certificate' ? [block.certificate] : [])),
    findings: blocks.flatMap((block, index) =>
      block.kind === 'unreadable'
        ? [warning(`ca.crt: certificate ${index + 1} cannot be read: ${block.reason}; write it again or remove it`)]
        : [],
    ),
  }
}

function describeNoCa(bytes: Uint8Array): string {
  const blocks = pemBlocks(textOf(bytes))
  if (blocks.length === 0) return describeNoPem(bytes, 'ca.crt')
  return `holds "${blocks[0]?.label.slice(0, 64)}" and no certificate; put CA certificates into it, as PEM`
}

/**
 * Makes material of the entries of a TLS Secret, or says everything that keeps it from being used. Pure; never throws.
 *
 * @param now Milliseconds since the epoch; among several certificates of one key or issuer those within their dates win.
 * @param caProves Whether `ca.crt` is there to verify this chain, and not, say, the certificates of clients.
 */
export function loadSecret(entries: SecretEntries, now: number, caProves = true): LoadResult {
  try {
    return load(entries, now, caProves)
  } catch (error) {
    // Bytes that a parser trips over must not take the other hosts along.
    const reason = error instanceof Error ? error.message : String(error)
    return {
      kind: 'unusable',
      messages: [`tls.crt or tls.key cannot be understood: "${reason}"; order the certificate again`],
    }
  }
}

function load(entries: SecretEntries, now: number, caProves: boolean): LoadResult {
  const crt = readCertificates(entries['tls.crt'])
  const crtEntry = entries['tls.crt']
  const keyInCertificate = crtEntry.kind === 'bytes' && pemBlocks(textOf(crtEntry.bytes)).some(isPrivateKey)
  const key = readKeys(entries['tls.key'], keyInCertificate)
  const messages = [...crt.messages, ...('message' in key ? [key.message] : [])]
  if (crt.certificates.length === 0) messages.push(...crt.unreadable)
  if (messages.length > 0 || 'message' in key) return { kind: 'unusable', messages }
  const pair = matchPair(crt.certificates, key.keys, now)
  // A file that is cut off may be on its way: what it already holds is not taken for all of it.
  if (crt.unreadable.length > 0) return { kind: 'unusable', messages: crt.unreadable }
  const first = crt.certificates[0]
  if (!pair || !first)
    return {
      kind: 'unusable',
      messages: [
        `tls.key does not belong to tls.crt; put the key of the certificate with SHA-256 ${first?.facts.sha256 ?? ''} into tls.key, or order the certificate again`,
      ],
    }
  const ca = readCa(entries['ca.crt'])
  const chain = buildChain({ leaf: pair.leaf, file: crt.certificates, ca: ca.certificates, caProves, now })
  const findings = [...chain.findings, ...ca.findings]
  if (keyInCertificate)
    findings.push({
      severity: 'warning',
      message: 'tls.crt holds a private key besides the certificate; remove it there, tls.crt is public',
    })
  const type = pair.key.asymmetricKeyType ?? ''
  return {
    kind: 'material',
    material: {
      leaf: pair.leaf,
      chain: chain.served,
      root: chain.root,
      certPem: chain.served.map((one) => one.pem).join(''),
      keyPem: pair.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      keyFamily: ASYMMETRIC_FAMILIES[type] ?? pair.leaf.facts.keyType,
      findings,
    },
  }
}
