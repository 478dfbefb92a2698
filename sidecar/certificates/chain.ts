import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import type { Certificate } from './inspect.ts'

/**
 * Something found about material. `flaw`: some clients will refuse it; `warning`: a person should look at it.
 * The message names the entry of the Secret and the cure.
 */
export interface Finding {
  readonly severity: 'flaw' | 'warning'
  readonly message: string
}

/** The chain a server shows. */
export interface Chain {
  /** The leaf, then its issuers in order, without the root. */
  readonly served: readonly Certificate[]
  /** The root above them, when `tls.crt` or `ca.crt` holds it. */
  readonly root: Certificate | undefined
  readonly findings: readonly Finding[]
}

/** The certificates a chain is made of. */
export interface ChainParts {
  /** The certificate the private key belongs to. */
  readonly leaf: Certificate
  /** Every certificate of `tls.crt` in the order of the file, leaf included. */
  readonly file: readonly Certificate[]
  /** The certificates of `ca.crt`. */
  readonly ca: readonly Certificate[]
  /** Whether `ca.crt` is said to verify this very chain, so that a chain it cannot verify is a flawed one. */
  readonly caProves: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A longer chain is nobody's; the limit bounds the signatures that are computed. */
const MAX_CHAIN = 10

const named = (certificate: Certificate) => `"${certificate.facts.subject}"`
const listed = (certificates: readonly Certificate[]) => {
  const shown = certificates.slice(0, 5).map(named).join(', ')
  return certificates.length > 5 ? `${shown} and ${certificates.length - 5} more` : shown
}

function hasSigned(issuer: Certificate, certificate: Certificate): boolean {
  try {
    return certificate.x509.verify(issuer.publicKey)
  } catch {
    return false
  }
}

const isValid = (certificate: Certificate, now: number) => certificate.notBefore <= now && now <= certificate.notAfter

/** Of several certificates of one issuer the best to show: within its dates, a CA, and the one that lasts longest. */
function best(issuers: readonly Certificate[], now: number): Certificate | undefined {
  const score = (one: Certificate) => (isValid(one, now) ? 2 : 0) + (one.facts.isCa ? 1 : 0)
  return [...issuers].sort((a, b) => score(b) - score(a) || b.notAfter - a.notAfter)[0]
}

let publicRoots: Set<string> | undefined

/** Whether the issuer of a certificate has the name of a root that the runtime trusts. */
function isIssuedByPublicRoot(certificate: Certificate): boolean {
  publicRoots ??= new Set(
    tls.rootCertificates.flatMap((pem) => {
      try {
        return [new X509Certificate(pem).subject ?? '']
      } catch {
        return []
      }
    }),
  )
  return publicRoots.has(certificate.x509.issuer ?? '')
}

function caFindings(issuers: readonly Certificate[]): Finding[] {
  return issuers.flatMap((issuer, index): Finding[] => {
    const flaw = (message: string): Finding[] => [{ severity: 'flaw', message }]
    const { version, maySignCertificates, pathLength } = issuer.anatomy
    // A root of version 1 has no extensions to say that it is a CA.
    if (version === 1 && issuer.facts.isSelfSigned) return []
    if (!issuer.facts.isCa)
      return flaw(
        `tls.crt: ${named(issuer)} issued a certificate of the chain but is not a CA; order the certificate from a CA`,
      )
    if (!maySignCertificates)
      return flaw(
        `tls.crt: the key usage of the CA ${named(issuer)} does not allow to sign certificates; order the certificate from another CA`,
      )
    if (pathLength !== undefined && pathLength < index)
      return flaw(
        `tls.crt: the CA ${named(issuer)} allows ${pathLength} CAs below itself and the chain has ${index}; order the certificate from a CA with a shorter chain`,
      )
    return []
  })
}

/** How the way up ended. */
interface Climb {
  readonly served: Certificate[]
  /** The root, when the way ended there; it is not served. */
  readonly root: Certificate | undefined
  /** Certificates with the name of a missing issuer whose key did not sign. */
  readonly impostors: readonly Certificate[]
  /** Issuers that are in `ca.crt` alone. */
  readonly fromCa: readonly Certificate[]
}

function climb({ leaf, file, ca, now }: ChainParts): Climb {
  const served = [leaf]
  const fromCa: Certificate[] = []
  const seen = new Set([leaf.facts.sha256])
  for (let current = leaf; served.length < MAX_CHAIN; ) {
    if (current.facts.isSelfSigned) return { served, root: undefined, impostors: [], fromCa }
    const fits = (one: Certificate) => !seen.has(one.facts.sha256) && one.anatomy.subject.equals(current.anatomy.issuer)
    const candidates = file.filter(fits)
    const signers = candidates.filter((one) => hasSigned(one, current))
    let issuer = best(signers, now)
    if (!issuer) {
      issuer = best(
        ca.filter((one) => fits(one) && hasSigned(one, current)),
        now,
      )
      if (!issuer) return { served, root: undefined, impostors: candidates, fromCa }
      if (!issuer.facts.isSelfSigned) fromCa.push(issuer)
    }
    if (issuer.facts.isSelfSigned) return { served, root: issuer, impostors: [], fromCa }
    seen.add(issuer.facts.sha256)
    served.push(issuer)
    current = issuer
  }
  return { served, root: undefined, impostors: [], fromCa }
}

function endFindings(parts: ChainParts, { served, root, impostors }: Climb): Finding[] {
  const { leaf, ca, caProves } = parts
  const last = served.at(-1) ?? leaf
  const issuer = `"${last.facts.issuer}"`
  if (impostors.length > 0)
    return [
      {
        severity: 'flaw',
        message: `tls.crt: the certificate of ${issuer} in it did not sign ${named(last)}, though its name fits; replace it by the one that did`,
      },
    ]
  const known = new Set(ca.map((one) => one.facts.sha256))
  const isAnchored = [...served, ...(root ? [root] : [])].some((one) => known.has(one.facts.sha256))
  if (caProves && ca.length > 0 && !isAnchored && !isIssuedByPublicRoot(last)) {
    const message =
      root || last.facts.isSelfSigned
        ? `ca.crt does not hold the CA ${named(root ?? last)} that the chain of tls.crt ends at; put that CA into ca.crt, or leave ca.crt out`
        : `tls.crt lacks the certificate of ${issuer}, which issued ${named(last)} and is not in ca.crt either; append it to tls.crt`
    return [{ severity: 'flaw', message }]
  }
  const isSuspect = served.length === 1 && !root && !leaf.facts.isSelfSigned && leaf.anatomy.issuerUrls.length > 0
  if (isSuspect && !isIssuedByPublicRoot(leaf))
    return [
      {
        severity: 'warning',
        message: `tls.crt holds ${named(leaf)} alone; its issuer ${issuer} is probably an intermediate that clients do not know; append the certificate found at ${leaf.anatomy.issuerUrls[0]}`,
      },
    ]
  return []
}

function fileFindings({ leaf, file }: ChainParts, { served, root, impostors, fromCa }: Climb): Finding[] {
  const findings: Finding[] = []
  const warn = (message: string) => findings.push({ severity: 'warning', message })
  const position = (one: Certificate) => file.findIndex((other) => other.facts.sha256 === one.facts.sha256)
  if (position(leaf) > 0)
    warn(
      `tls.crt begins with ${file[0] ? named(file[0]) : 'another certificate'}, but tls.key belongs to ${named(leaf)}; it is served in the right order; put the certificate of the key first`,
    )
  const places = [...served.slice(1), ...(root ? [root] : [])].map(position).filter((place) => place !== -1)
  if (places.some((place, index) => index > 0 && place < (places[index - 1] ?? 0)))
    warn(
      'tls.crt holds its certificates in the wrong order; they are served in the right one; put each issuer after what it issued',
    )
  for (const one of fromCa)
    warn(`tls.crt lacks the intermediate ${named(one)}; it is served from ca.crt; append it to tls.crt`)
  const used = new Set([...served, ...impostors, ...(root ? [root] : [])].map((one) => one.facts.sha256))
  const extra = file.filter((one) => !used.has(one.facts.sha256))
  if (extra.length > 0)
    warn(
      `tls.crt holds certificates that are no part of the chain of ${named(leaf)} and are not served: ${listed(extra)}; remove them`,
    )
  if (leaf.facts.isCa && !leaf.facts.isSelfSigned)
    warn(`tls.crt: ${named(leaf)} is the certificate of a CA; order one for a server, without the CA flag`)
  return findings
}

/**
 * Puts the chain of a leaf together by real signatures and tells what is wrong with it. A chain that ends at an issuer
 * nobody knows is fine: private roots are not in the file.
 */
export function buildChain(parts: ChainParts): Chain {
  const way = climb(parts)
  const issuers = [...way.served.slice(1), ...(way.root ? [way.root] : [])]
  return {
    served: way.served,
    root: way.root,
    findings: [...caFindings(issuers), ...endFindings(parts, way), ...fileFindings(parts, way)],
  }
}

/**
 * The message about an intermediate that `after` needs and lacks, known from the chain `before` that is in service;
 * undefined when none is known to be missing. Each chain begins with its leaf.
 */
export function lackedIntermediate(before: readonly Certificate[], after: readonly Certificate[]): string | undefined {
  const last = after.at(-1)
  if (!last || last.facts.isSelfSigned) return undefined
  const lacked = before.slice(1).find((one) => one.anatomy.subject.equals(last.anatomy.issuer) && hasSigned(one, last))
  return (
    lacked &&
    `tls.crt lacks the intermediate ${named(lacked)}, with which the certificate in service is served; append it to tls.crt`
  )
}
