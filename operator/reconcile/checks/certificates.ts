import type { IcsHostStatus } from '../../../crds/index.ts'
import { type Verdict, verdict } from '../conditions.ts'
import { type Facts, reportsOf } from '../facts.ts'
import { unproven } from './unproven.ts'

const DAY_MS = 86_400_000
/** Where the specification cannot be read. */
const DEFAULT_EXPIRE_DAYS = 30

/** What is wrong with the certificates that a host serves; the first of its messages tells most. */
const faultOf = ({ hostTag, messages, certificates }: IcsHostStatus): string | undefined => {
  const bad = certificates.filter(({ grade }) => grade === 'Fail')
  if (bad.length === 0) return undefined
  const names = bad.map(({ secretName }) => `Secret "${secretName}"`).join(', ')
  return `host "${hostTag}": ${messages.length > 0 ? messages.join('; ') : `clients refuse the certificate of ${names}`}`
}

/** Whether no served certificate is refused by clients, and no host lacks one. */
export function judgeCertificatesValid(facts: Facts): Verdict {
  const reports = reportsOf(facts)
  const hosts = reports.flatMap(({ report }) => report.icsHosts)
  const faults = new Set(hosts.flatMap((host) => faultOf(host) ?? []))
  if (faults.size > 0) return verdict('CertificatesValid', 'False', 'CertificateInvalid', [...faults].join('; '))
  const needed = new Set(facts.acceptance.accepted ? facts.acceptance.expected.tlsTags : [])
  const missing = new Set(
    hosts
      .filter(({ hostTag, certificates }) => certificates.length === 0 && needed.has(hostTag))
      .map(({ hostTag, messages }) => `host "${hostTag}": ${messages.join('; ') || 'it has no certificate'}`),
  )
  if (missing.size > 0) return verdict('CertificatesValid', 'False', 'CertificateMissing', [...missing].join('; '))
  return (
    unproven('CertificatesValid', facts) ??
    verdict('CertificatesValid', 'True', 'Valid', 'every host that needs a certificate serves a good one')
  )
}

/** Whether no served certificate is within `certExpireDays` of its end. */
export function judgeCertificatesRenewed(facts: Facts): Verdict {
  const { acceptance, now } = facts
  const days = acceptance.accepted ? acceptance.expected.certExpireDays : DEFAULT_EXPIRE_DAYS
  const expiring = new Set(
    reportsOf(facts).flatMap(({ report }) =>
      report.icsHosts.flatMap(({ hostTag, certificates }) =>
        certificates
          .filter(({ notAfter }) => Date.parse(notAfter) - now <= days * DAY_MS)
          .map(
            ({ secretName, notAfter }) =>
              `host "${hostTag}": the certificate of Secret "${secretName}" ${Date.parse(notAfter) <= now ? 'ended' : 'ends'} at ${notAfter}: renew it`,
          ),
      ),
    ),
  )
  if (expiring.size > 0) return verdict('CertificatesRenewed', 'False', 'CertificateExpiring', [...expiring].join('; '))
  return (
    unproven('CertificatesRenewed', facts) ??
    verdict('CertificatesRenewed', 'True', 'Renewed', `no served certificate ends within ${days} days`)
  )
}
