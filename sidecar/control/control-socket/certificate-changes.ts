import type { CertificateReport, HostReport } from '../host-report.ts'
import type { CertificateChange } from './control-target.ts'

const ends = ({ sha256, notAfter }: CertificateReport) => `sha256 ${sha256.slice(0, 16)}, ends ${notAfter}`

/** What is different between two reports of the same hosts, by host in the order of the second. */
export function certificateChanges(
  before: readonly HostReport[],
  after: readonly HostReport[],
): readonly CertificateChange[] {
  const known = new Map(before.map((host) => [host.hostTag, host]))
  const changes = after.flatMap((host) => {
    const was = known.get(host.hostTag)
    const told = was === undefined ? ['the host is new'] : hostChanges(was, host)
    return told.map((what) => ({ hostTag: host.hostTag, what }))
  })
  const tags = new Set(after.map((host) => host.hostTag))
  const gone = before.filter((host) => !tags.has(host.hostTag))
  return [...changes, ...gone.map(({ hostTag }) => ({ hostTag, what: 'the host is gone' }))]
}

function hostChanges(before: HostReport, after: HostReport): string[] {
  const told: string[] = []
  const was = new Map(before.certificates.map((one) => [slot(one), one]))
  for (const one of after.certificates) {
    const old = was.get(slot(one))
    was.delete(slot(one))
    if (old === undefined) told.push(`Secret "${one.secretName}" is served: ${ends(one)}`)
    else if (old.sha256 !== one.sha256) told.push(`Secret "${one.secretName}" has a new certificate: ${ends(one)}`)
    else if (chainText(old) !== chainText(one)) told.push(`Secret "${one.secretName}" has a new chain`)
  }
  for (const old of was.values()) told.push(`Secret "${old.secretName}" is no longer served`)
  if (before.grade !== after.grade) told.push(`the grade ${before.grade} is now ${after.grade}`)
  for (const message of after.messages) if (!before.messages.includes(message)) told.push(`new: ${message}`)
  for (const message of before.messages) if (!after.messages.includes(message)) told.push(`solved: ${message}`)
  return told
}

const slot = ({ secretName, keyType }: CertificateReport) => `${secretName} ${keyType}`
const chainText = ({ chain }: CertificateReport) => chain.map(({ sha256 }) => sha256).join()
