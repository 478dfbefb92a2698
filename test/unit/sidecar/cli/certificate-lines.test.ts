import { describe, expect, test } from 'vitest'
import { certificateLines, gradeExitCode, gradeSummary } from '../../../../sidecar/cli/certificate-lines.ts'
import { plain } from '../../../../sidecar/cli/paint.ts'
import type { HostReport } from '../../../../sidecar/control/host-report.ts'

const link = { subject: 'CN=a.test, O=A', issuer: 'CN=Between', notAfter: '', sha256: '' }
const host: HostReport = {
  hostTag: 'a',
  grade: 'Warn',
  messages: ['Secret "a-tls" ends soon; renew it', 'a second\nline'],
  certificates: [
    {
      ...{ secretName: 'a-tls', subject: 'CN=a.test', names: ['a.test'], issuer: 'CN=Between', serialNumber: '01' },
      ...{ sha256: 'aa', keyType: 'EC P-256', notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-31T00:00:00Z' },
      ...{ grade: 'Warn', lastKnownGood: true },
      chain: [link, { ...link, subject: 'CN=Between', issuer: 'CN=Root' }],
    },
  ],
}
const bare: HostReport = { hostTag: 'bare', grade: 'None', messages: [], certificates: [] }
const options = { isWide: false, paint: plain }

describe('certificateLines()', () => {
  test('tells expiry, grade, chain and messages', () => {
    expect(certificateLines([host, bare], options, Date.parse('2027-01-01T12:00:00Z'))).toEqual([
      'HOST  GRADE  SECRET  KEY-TYPE  EXPIRES                 LEFT  CHAIN',
      'a     Warn   a-tls   EC-P-256  2027-01-31T00:00:00Z  29d12h  a.test < Between < Root',
      'bare  None   -       -         -                          -  -',
      '',
      'a: Warn',
      '  Secret "a-tls" ends soon; renew it',
      '  a second\\u000aline',
    ])
  })

  test('tells that one is expired', () => {
    expect(certificateLines([host], options, Date.parse('2028-01-01T00:00:00Z'))[1]).toContain('expired')
  })

  test('has serial number, hash and names when it is wide', () => {
    const [titles] = certificateLines([host], { isWide: true, paint: plain }, 0)
    for (const title of ['SERIAL', 'SHA256', 'NAMES', 'LAST-GOOD', 'OWN-GRADE']) expect(titles).toContain(title)
  })

  test('says so when there is nothing', () => expect(certificateLines([], options, 0)).toEqual(['No hosts.']))
})

test('the summary counts grades; a host that fails or lacks its certificate is a bad end', () => {
  expect(gradeSummary([])).toBe('0 hosts')
  expect(gradeSummary([host])).toBe('1 host: 1 Warn')
  expect(gradeSummary([bare, host, { ...host, grade: 'Fail' }])).toBe('3 hosts: 1 Warn, 1 Fail, 1 None')
  expect([gradeExitCode([host, bare]), gradeExitCode([{ ...host, grade: 'Fail' }])]).toEqual([0, 1])
  expect(gradeExitCode([{ ...bare, messages: ['Secret "bare" is missing'] }])).toBe(1)
})
