import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { CloseReason } from '../close-reason.ts'
import type { ClientCertificatePolicy } from '../configuration.ts'
import type { PeerCertificate } from '../ports.ts'

/** What the policy says of a client: its certificate (if any), or why it is refused. */
export type ClientVerdict =
  | { readonly kind: 'accept'; readonly certificate: PeerCertificate | undefined }
  | { readonly kind: 'refuse'; readonly reason: CloseReason; readonly detail: string }

/** OpenSSL's verification results (openssl-verification-options(1)) in the engine's vocabulary. */
const REASONS: Readonly<Record<string, CloseReason>> = {
  CERT_HAS_EXPIRED: 'ClientCertificateExpired',
  CERT_NOT_YET_VALID: 'ClientCertificateNotYetValid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'ClientCertificateUntrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'ClientCertificateUntrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'ClientCertificateUntrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'ClientCertificateUntrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'ClientCertificateUntrusted',
  CERT_SIGNATURE_FAILURE: 'ClientCertificateUntrusted',
  CERT_UNTRUSTED: 'ClientCertificateUntrusted',
}

/**
 * Judges the client certificate of a finished handshake. The TLS library only verifies and never rejects
 * (`rejectUnauthorized: false`), because a rejection by it carries no reason.
 * @param now Milliseconds since the Unix epoch: a resumed connection carries the verification of its first handshake,
 *   so the dates are looked at again.
 */
export function judgeClient(socket: TLSSocket, policy: ClientCertificatePolicy, now: number): ClientVerdict {
  if (policy.method === 'None') return { kind: 'accept', certificate: undefined }
  const raw = socket.getPeerCertificate(false)?.raw as Buffer | undefined
  if (!raw) {
    if (policy.method === 'Optional') return { kind: 'accept', certificate: undefined }
    return { kind: 'refuse', reason: 'ClientCertificateMissing', detail: 'the client sent no certificate' }
  }
  // Without any CA the TLS library of Bun would take the public ones.
  if (policy.caPem.length === 0)
    return { kind: 'refuse', reason: 'ClientCertificateUntrusted', detail: 'the host has no usable CA for clients' }
  if (!socket.authorized) {
    const code = String(socket.authorizationError ?? 'unverified')
    return { kind: 'refuse', reason: REASONS[code] ?? 'ClientCertificateInvalid', detail: code }
  }
  const certificate = new X509Certificate(raw)
  if (Date.parse(certificate.validTo) < now)
    return { kind: 'refuse', reason: 'ClientCertificateExpired', detail: `expired on ${certificate.validTo}` }
  const subject = certificate.subject?.split('\n').reverse().join(', ') ?? ''
  if (!isAllowed(certificate, policy.allowedNames))
    return {
      kind: 'refuse',
      reason: 'ClientCertificateNotAllowed',
      detail: subject || (certificate.subjectAltName ?? 'no name'),
    }
  return {
    kind: 'accept',
    certificate: {
      subject,
      commonName: commonNameOf(certificate),
      raw,
      sha256: createHash('sha256').update(raw).digest('hex'),
    },
  }
}

/** Whether one entry of any list matches; true when every list is empty. */
function isAllowed(certificate: X509Certificate, allowed: ClientCertificatePolicy['allowedNames']): boolean {
  const { commonNames, dnsNames, uris, spkiSha256 } = allowed
  if (commonNames.length + dnsNames.length + uris.length + spkiSha256.length === 0) return true
  if (commonNames.includes(commonNameOf(certificate))) return true
  const names = alternativeNames(certificate)
  if (names.dns.some((name) => dnsNames.some((wanted) => wanted.toLowerCase() === name.toLowerCase()))) return true
  if (names.uri.some((name) => uris.includes(name))) return true
  if (spkiSha256.length === 0) return false
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return spkiSha256.includes(createHash('sha256').update(spki).digest('hex'))
}

/** The last CN of the subject, as OpenSSL's most specific one; '' without any. */
function commonNameOf(certificate: X509Certificate): string {
  const lines = certificate.subject?.split('\n').filter((line) => line.startsWith('CN=')) ?? []
  return lines.at(-1)?.slice(3) ?? ''
}

/**
 * DNS names and URIs of the subject alternative name. A value that could be mistaken for two entries is quoted in
 * node's rendering as a JSON string (CVE-2021-44532), so quoted ones are unquoted as a whole and never split.
 */
function alternativeNames(certificate: X509Certificate): { readonly dns: string[]; readonly uri: string[] } {
  const names: { dns: string[]; uri: string[] } = { dns: [], uri: [] }
  for (const [, type, quoted, plain] of (certificate.subjectAltName ?? '').matchAll(
    /(?:^|, )(DNS|URI|[^:,"]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g,
  )) {
    const value = quoted === undefined ? (plain ?? '') : String(JSON.parse(quoted))
    if (type === 'DNS') names.dns.push(value)
    if (type === 'URI') names.uri.push(value)
  }
  return names
}
