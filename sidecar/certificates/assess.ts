import tls from 'node:tls'
import { CLIENT_AUTH, SERVER_AUTH } from './certificate-writer.ts'
import { uncoveredHostNames } from './host-names.ts'
import type { Certificate } from './inspect.ts'
import type { Material } from './load.ts'
import { isServerKey, type Strength, whyDoubtful, whyTooWeak } from './strength.ts'

/** What material is wanted for, and when. */
export interface Requirements {
  /** Lower-case host names it must cover; empty: any name will do. */
  readonly hostNames: readonly string[]
  readonly strength: Strength
  /** Whether it is shown to clients, or to a backend. */
  readonly purpose: 'server' | 'client'
  /** Days before its end that a certificate is expiring. */
  readonly certExpireDays: number
}

/** What material is worth at a moment. Every message names entry and cure, not the Secret. */
export interface Assessment {
  /** Why it cannot be served to this host at any time. */
  readonly unfit: readonly string[]
  /** Why clients refuse it at this moment: the leaf is past its end, or before its begin. */
  readonly outOfDate: readonly string[]
  /** Why some clients refuse it. */
  readonly flaws: readonly string[]
  readonly warnings: readonly string[]
  /** The next moment at which time alone changes this assessment; undefined when none does. Milliseconds since the epoch. */
  readonly changesAt: number | undefined
}

/** In the order of worth: what is `unusable` is never taken into service. */
export type Worth = 'good' | 'flawed' | 'unusable'

/** The outcome of loading material that was assessed so. */
export function worthOf(assessment: Assessment): Worth {
  if (assessment.unfit.length > 0 || assessment.outOfDate.length > 0) return 'unusable'
  return assessment.flaws.length > 0 ? 'flawed' : 'good'
}

const DAY = 86_400_000
const ANY_USAGE = '2.5.29.37.0'

const quoted = (names: readonly string[]) => {
  const shown = names
    .slice(0, 5)
    .map((name) => `"${name}"`)
    .join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

function days(milliseconds: number): string {
  const count = Math.floor(milliseconds / DAY)
  if (count >= 1) return count === 1 ? '1 day' : `${count} days`
  const hours = Math.max(1, Math.ceil(milliseconds / 3_600_000))
  return hours === 1 ? '1 hour' : `${hours} hours`
}

const title = (certificate: Certificate, index: number) =>
  `tls.crt: ${index === 0 ? 'the certificate' : 'the intermediate'} "${certificate.facts.subject}"`

const rootTitle = (root: Certificate) => `the root "${root.facts.subject}" of the chain of tls.crt`
const ROOT_CURE = 'order the certificate from a CA that lasts, and bring its root to the clients'

const RENEW = ['renew it and put the new one into tls.crt', 'put its successor into tls.crt'] as const
const cure = (index: number) => RENEW[index === 0 ? 0 : 1]

/** @returns what is wrong with the dates of one certificate of the chain at `now`. */
function outOfDate(certificate: Certificate, index: number, now: number): string | undefined {
  const { notBefore, notAfter, facts } = certificate
  if (now > notAfter)
    return `${title(certificate, index)} expired at ${facts.notAfter}, ${days(now - notAfter)} ago; ${cure(index)}`
  if (now < notBefore)
    return `${title(certificate, index)} is not valid before ${facts.notBefore}, in ${days(notBefore - now)}; check the clock, or put one that is valid into tls.crt`
  return undefined
}

function nameFindings(material: Material, hostNames: readonly string[]) {
  const names = material.leaf.facts.names
  const uncovered = uncoveredHostNames(names, hostNames)
  const held = names.length > 0 ? `it is for ${quoted(names)}` : 'it names no host'
  const plural = uncovered.length > 1 ? 's' : ''
  if (uncovered.length === 0) return { unfit: [], flaws: [] }
  if (uncovered.length === hostNames.length)
    return {
      unfit: [`tls.crt covers no name of the host: ${held}; order a certificate for ${quoted(uncovered)}`],
      flaws: [],
    }
  return {
    unfit: [],
    flaws: [
      `tls.crt does not cover the host name${plural} ${quoted(uncovered)}: ${held}; order a certificate that names ${plural ? 'them' : 'it'} too`,
    ],
  }
}

function usageFlaws(material: Material, purpose: Requirements['purpose']): string[] {
  const usages = material.leaf.anatomy.extendedKeyUsages
  const wanted = purpose === 'server' ? SERVER_AUTH : CLIENT_AUTH
  if (!usages || usages.includes(wanted) || usages.includes(ANY_USAGE)) return []
  return [
    `tls.crt: the extended key usage of "${material.leaf.facts.subject}" is not for TLS ${purpose}s; order the certificate with ${purpose}Auth`,
  ]
}

const takesSecurityLevel = (() => {
  try {
    tls.createSecureContext({ ciphers: 'DEFAULT:@SECLEVEL=2' })
    return true
  } catch {
    return false
  }
})()

const verdicts = new WeakMap<Material, Map<Strength, readonly string[]>>()

/** The TLS library has the last word on what it can serve; asked once per material and level. */
function libraryRefusal(material: Material, strength: Strength): readonly string[] {
  const known = verdicts.get(material) ?? new Map<Strength, readonly string[]>()
  verdicts.set(material, known)
  const verdict = known.get(strength)
  if (verdict) return verdict
  let refusal: readonly string[] = []
  try {
    tls.createSecureContext({
      cert: material.certPem,
      key: material.keyPem,
      ...(takesSecurityLevel ? { ciphers: `DEFAULT:@SECLEVEL=${strength}` } : {}),
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    refusal = [
      `tls.crt: the TLS library refuses "${material.leaf.facts.subject}": "${reason}"; order a certificate with an EC P-256 or RSA 2048 key`,
    ]
  }
  known.set(strength, refusal)
  return refusal
}

function unfitness(material: Material, strength: Strength): readonly string[] {
  const { leaf, chain } = material
  if (!isServerKey(leaf.publicKey))
    return [
      `tls.crt: "${leaf.facts.subject}" has a key "${leaf.facts.keyType}", which TLS servers cannot use; order it with EC P-256 or RSA 2048`,
    ]
  const weak = chain.flatMap((certificate, index) => {
    const reason = whyTooWeak(certificate, strength, index === 0)
    return reason ? [`${title(certificate, index)} ${reason}`] : []
  })
  return weak.length > 0 ? weak : libraryRefusal(material, strength)
}

/** Judges material for a host at `now` (milliseconds since the epoch). Pure but for the library's verdict, which is remembered. */
export function assess(material: Material, requirements: Requirements, now: number): Assessment {
  const { leaf, chain, root, findings } = material
  const names = nameFindings(material, requirements.hostNames)
  const dates = chain.map((certificate, index) => outOfDate(certificate, index, now))
  const rootEnds = root ? root.notAfter - now : Number.POSITIVE_INFINITY
  const horizon = requirements.certExpireDays * DAY
  const expiring = chain.flatMap((certificate, index) =>
    dates[index] === undefined && certificate.notAfter - now <= horizon
      ? [
          `${title(certificate, index)} expires at ${certificate.facts.notAfter}, in ${days(certificate.notAfter - now)}; ${cure(index)}`,
        ]
      : [],
  )
  const warnings = [...findings.filter((one) => one.severity === 'warning').map((one) => one.message), ...expiring]
  if (root && rootEnds >= 0 && rootEnds <= horizon)
    warnings.push(`${rootTitle(root)} expires at ${root.facts.notAfter}, in ${days(rootEnds)}; ${ROOT_CURE}`)
  if (requirements.hostNames.length > 0 && !leaf.anatomy.hasSan)
    warnings.push(
      `tls.crt: "${leaf.facts.subject}" has no subjectAltName, and many clients ignore the common name; order it with names`,
    )
  for (const [index, certificate] of chain.entries()) {
    const doubt = whyTooWeak(certificate, requirements.strength, index === 0)
      ? undefined
      : whyDoubtful(certificate, requirements.strength)
    if (doubt) warnings.push(`${title(certificate, index)} ${doubt}`)
  }
  const moments = [...chain, ...(root ? [root] : [])].flatMap(({ notBefore, notAfter }) => [
    notBefore,
    notAfter - horizon,
    notAfter + 1,
  ])
  const future = moments.filter((moment) => moment > now)
  return {
    unfit: [...names.unfit, ...unfitness(material, requirements.strength)],
    outOfDate: dates.slice(0, 1).filter((message) => message !== undefined),
    flaws: [
      ...names.flaws,
      ...usageFlaws(material, requirements.purpose),
      ...findings.filter((one) => one.severity === 'flaw').map((one) => one.message),
      ...dates.slice(1).filter((message) => message !== undefined),
      ...(root && rootEnds < 0 ? [`${rootTitle(root)} expired at ${root.facts.notAfter}; ${ROOT_CURE}`] : []),
    ],
    warnings,
    changesAt: future.length > 0 ? Math.min(...future) : undefined,
  }
}
