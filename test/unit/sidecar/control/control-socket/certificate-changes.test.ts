import { describe, expect, test } from 'vitest'
import { certificateChanges } from '../../../../../sidecar/control/control-socket/certificate-changes.ts'
import type { CertificateReport, HostReport } from '../../../../../sidecar/control/host-report.ts'

const link = { subject: 'CN=a', issuer: 'CN=CA', notAfter: '2027-01-01T00:00:00Z', sha256: 'aa' }
const certificate: CertificateReport = {
  ...{ secretName: 'a-tls', subject: 'CN=a', names: ['a'], issuer: 'CN=CA', serialNumber: '1' },
  ...{
    sha256: 'aa'.repeat(32),
    keyType: 'EC P-256',
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2027-01-01T00:00:00Z',
  },
  ...{ grade: 'OK', lastKnownGood: false, chain: [link] },
}
const host: HostReport = { hostTag: 'a', grade: 'OK', messages: [], certificates: [certificate] }
const renewed = { ...certificate, sha256: 'bb'.repeat(32), notAfter: '2028-01-01T00:00:00Z' }

describe('certificateChanges()', () => {
  test.each<[string, HostReport[], HostReport[], string[]]>([
    ['nothing', [host], [structuredClone(host)], []],
    [
      'a renewal',
      [host],
      [{ ...host, certificates: [renewed] }],
      ['Secret "a-tls" has a new certificate: sha256 bbbbbbbbbbbbbbbb, ends 2028-01-01T00:00:00Z'],
    ],
    [
      'a longer chain',
      [host],
      [{ ...host, certificates: [{ ...certificate, chain: [link, { ...link, sha256: 'cc' }] }] }],
      ['Secret "a-tls" has a new chain'],
    ],
    [
      'a grade and its message',
      [host],
      [{ ...host, grade: 'Fail', messages: ['expired'] }],
      ['the grade OK is now Fail', 'new: expired'],
    ],
    ['what was solved', [{ ...host, messages: ['x'] }], [host], ['solved: x']],
    [
      'a second key type',
      [host],
      [{ ...host, certificates: [certificate, { ...renewed, keyType: 'RSA 2048' }] }],
      ['Secret "a-tls" is served: sha256 bbbbbbbbbbbbbbbb, ends 2028-01-01T00:00:00Z'],
    ],
    ['one that went', [host], [{ ...host, certificates: [] }], ['Secret "a-tls" is no longer served']],
    ['a new host', [], [host], ['the host is new']],
    ['a host that went', [host], [], ['the host is gone']],
  ])('tells %s', (_name, before, after, told) => {
    expect(certificateChanges(before, after)).toEqual(told.map((what) => ({ hostTag: 'a', what })))
  })
})
