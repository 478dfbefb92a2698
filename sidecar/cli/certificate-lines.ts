import type { Grade } from '../../crds/index.ts'
import type { CertificateReport, HostReport } from '../control/host-report.ts'
import { printable } from '../control/log-line.ts'
import type { Paint, Style } from './paint.ts'
import { shortDuration } from './quantities.ts'
import { type Column, tableLines } from './table.ts'

interface Row {
  readonly host: HostReport
  /** Undefined for a host without any. */
  readonly certificate: CertificateReport | undefined
}

const STYLES: Readonly<Record<Grade, Style>> = { OK: 'green', Warn: 'yellow', Fail: 'red', None: 'dim' }

/** The common name of a distinguished name on one line, else all of it. */
const commonName = (subject: string): string => /(?:^|, )CN=((?:[^,\\]|\\.)+)/.exec(subject)?.[1] ?? subject

const chainText = ({ chain }: CertificateReport): string => {
  const last = chain.at(-1)
  const names = chain.map(({ subject }) => commonName(subject))
  // The root is not sent; its name is what the last certificate says of its issuer.
  return last === undefined || last.issuer === last.subject
    ? names.join(' < ')
    : [...names, commonName(last.issuer)].join(' < ')
}

const columnsAt = (now: number): readonly Column<Row>[] => {
  const of = (text: (one: CertificateReport) => string) => (row: Row) =>
    row.certificate === undefined ? '' : text(row.certificate)
  const left = (one: CertificateReport): number => Date.parse(one.notAfter) - now
  return [
    { title: 'HOST', text: ({ host }) => host.hostTag },
    { title: 'GRADE', text: ({ host }) => host.grade, style: ({ host }) => STYLES[host.grade] },
    { title: 'SECRET', text: of((one) => one.secretName) },
    { title: 'KEY-TYPE', text: of((one) => one.keyType.replace(' ', '-')) },
    { title: 'EXPIRES', text: of((one) => one.notAfter) },
    {
      title: 'LEFT',
      align: 'right',
      text: of((one) => (left(one) > 0 ? shortDuration(left(one)) : 'expired')),
      style: ({ certificate }) => (certificate !== undefined && left(certificate) <= 0 ? 'red' : undefined),
    },
    { title: 'OWN-GRADE', isWide: true, text: of((one) => one.grade) },
    { title: 'LAST-GOOD', isWide: true, text: of((one) => (one.lastKnownGood ? 'yes' : 'no')) },
    { title: 'NOT-BEFORE', isWide: true, text: of((one) => one.notBefore) },
    { title: 'SERIAL', isWide: true, text: of((one) => one.serialNumber) },
    { title: 'SHA256', isWide: true, text: of((one) => one.sha256) },
    { title: 'NAMES', isWide: true, text: of((one) => one.names.join(',')) },
    { title: 'CHAIN', text: of(chainText) },
  ]
}

/**
 * The certificates of hosts: a table, and below it what was found about each host.
 *
 * @param now milliseconds since the Unix epoch
 */
export const certificateLines = (
  hosts: readonly HostReport[],
  options: { readonly isWide: boolean; readonly paint: Paint },
  now: number,
): string[] => {
  if (hosts.length === 0) return ['No hosts.']
  const rows = hosts.flatMap((host): Row[] =>
    host.certificates.length === 0
      ? [{ host, certificate: undefined }]
      : host.certificates.map((certificate) => ({ host, certificate })),
  )
  return [...tableLines(columnsAt(now), rows, options), ...messageLines(hosts, options.paint)]
}

/** What was found about each host, a block per host. */
export const messageLines = (hosts: readonly HostReport[], paint: Paint): string[] =>
  hosts.flatMap(({ hostTag, grade, messages }) =>
    messages.length === 0
      ? []
      : ['', `${hostTag}: ${paint(grade, STYLES[grade])}`, ...messages.map((message) => `  ${printable(message)}`)],
  )

/** How many hosts have each grade, for example `3 hosts: 2 OK, 1 Warn`. */
export const gradeSummary = (hosts: readonly HostReport[]): string => {
  const counts = (Object.keys(STYLES) as Grade[]).flatMap((grade) => {
    const count = hosts.filter((host) => host.grade === grade).length
    return count === 0 ? [] : [`${count} ${grade}`]
  })
  return `${hosts.length} host${hosts.length === 1 ? '' : 's'}${counts.length === 0 ? '' : ': '}${counts.join(', ')}`
}

/** Exit code: 1 when clients are refused for a certificate: a host is `Fail`, or has none and is told that it lacks one. */
export const gradeExitCode = (hosts: readonly HostReport[]): number =>
  hosts.some(({ grade, messages }) => grade === 'Fail' || (grade === 'None' && messages.length > 0)) ? 1 : 0
