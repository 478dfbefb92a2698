import { describe, expect, test } from 'vitest'
import {
  type Assessment,
  assess,
  type Requirements,
  type Worth,
  worthOf,
} from '../../../../sidecar/certificates/assess.ts'
import { loadSecret, type Material } from '../../../../sidecar/certificates/load.ts'
import { type Authority, createAuthority, type Issued, type IssueOptions } from '../../../support/certificates.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-01T12:00:00Z')
const at = (days: number) => new Date(NOW + days * DAY)
const LASTING = { notBefore: at(-10), notAfter: at(300) }

const root = createAuthority({ name: 'Root', notBefore: at(-900), notAfter: at(900) })
const issue = (options: IssueOptions = {}) =>
  root.issue({ names: ['shop.test', '*.shop.test'], ...LASTING, ...options })

function materialOf(issued: Issued, above?: Authority): Material {
  const bytes = (text: string) => ({ kind: 'bytes', bytes: Buffer.from(text) }) as const
  const loaded = loadSecret(
    {
      'tls.crt': bytes(issued.certPem + (above?.chainPem ?? '')),
      'tls.key': bytes(issued.keyPem),
      'ca.crt': { kind: 'missing' },
    },
    NOW,
  )
  if (loaded.kind !== 'material') throw new Error(loaded.messages.join())
  return loaded.material
}

const under = (middle: IssueOptions, leaf: IssueOptions = {}): Material => {
  const mid = root.intermediate({ name: 'Mid', ...LASTING, ...middle })
  return materialOf(mid.issue({ names: ['shop.test'], ...LASTING, ...leaf }), mid)
}

/** A leaf with its root behind it, as some CAs deliver it. */
const withRoot = (notAfter: Date): Material => {
  const own = createAuthority({ name: 'Ending', notBefore: at(-900), notAfter })
  return materialOf(own.issue({ names: ['shop.test'], ...LASTING }), { ...own, chainPem: own.rootPem })
}

const REQUIREMENTS: Requirements = { hostNames: ['shop.test'], strength: 2, purpose: 'server', certExpireDays: 30 }

type Row = {
  material: Material
  requirements?: Partial<Requirements>
  now?: number
  worth: Worth
} & Partial<Pick<Assessment, 'unfit' | 'outOfDate' | 'flaws' | 'warnings'>>

const CASES: Record<string, Row> = {
  'good material is good': { material: materialOf(issue()), worth: 'good' },
  'a host without names takes any certificate': {
    material: materialOf(issue()),
    requirements: { hostNames: [] },
    worth: 'good',
  },
  'a wildcard covers a wildcard': {
    material: materialOf(issue()),
    requirements: { hostNames: ['*.shop.test', 'shop.test'] },
    worth: 'good',
  },
  'no host name covered': {
    material: materialOf(issue()),
    requirements: { hostNames: ['a.test', 'b.test'] },
    worth: 'unusable',
    unfit: [
      'tls.crt covers no name of the host: it is for "shop.test", "*.shop.test"; order a certificate for "a.test", "b.test"',
    ],
  },
  'some host names not covered': {
    material: materialOf(issue()),
    requirements: { hostNames: ['shop.test', 'a.test', 'b.test'] },
    worth: 'flawed',
    flaws: [
      'tls.crt does not cover the host names "a.test", "b.test": it is for "shop.test", "*.shop.test"; order a certificate that names them too',
    ],
  },
  'a certificate without any name': {
    material: materialOf(root.issue({ ...LASTING, commonName: '' })),
    worth: 'unusable',
    unfit: ['tls.crt covers no name of the host: it names no host; order a certificate for "shop.test"'],
    warnings: ['tls.crt: "" has no subjectAltName, and many clients ignore the common name; order it with names'],
  },
  'a common name alone': {
    material: materialOf(root.issue({ ...LASTING, commonName: 'shop.test' })),
    worth: 'good',
    warnings: [
      'tls.crt: "CN=shop.test" has no subjectAltName, and many clients ignore the common name; order it with names',
    ],
  },
  expired: {
    material: materialOf(issue({ notBefore: at(-40), notAfter: at(-3) })),
    worth: 'unusable',
    outOfDate: [
      'tls.crt: the certificate "CN=shop.test" expired at 2026-10-29T12:00:00Z, 3 days ago; renew it and put the new one into tls.crt',
    ],
  },
  'not yet valid': {
    material: materialOf(issue({ notBefore: at(2), notAfter: at(90) })),
    worth: 'unusable',
    outOfDate: [
      'tls.crt: the certificate "CN=shop.test" is not valid before 2026-11-03T12:00:00Z, in 2 days; check the clock, or put one that is valid into tls.crt',
    ],
  },
  'expiring within the days': {
    material: materialOf(issue({ notAfter: at(29) })),
    worth: 'good',
    warnings: [
      'tls.crt: the certificate "CN=shop.test" expires at 2026-11-30T12:00:00Z, in 29 days; renew it and put the new one into tls.crt',
    ],
  },
  'expiring within hours': {
    material: materialOf(issue({ notAfter: at(0.1) })),
    worth: 'good',
    warnings: [
      'tls.crt: the certificate "CN=shop.test" expires at 2026-11-01T14:24:00Z, in 3 hours; renew it and put the new one into tls.crt',
    ],
  },
  'expiring after the days': { material: materialOf(issue({ notAfter: at(31) })), worth: 'good' },
  'expiring, by other days': {
    material: materialOf(issue({ notAfter: at(29) })),
    requirements: { certExpireDays: 7 },
    worth: 'good',
  },
  'an intermediate that is expiring': {
    material: under({ notAfter: at(5) }),
    worth: 'good',
    warnings: [
      'tls.crt: the intermediate "CN=Mid" expires at 2026-11-06T12:00:00Z, in 5 days; put its successor into tls.crt',
    ],
  },
  'a root in the file that lasts': { material: withRoot(at(31)), worth: 'good', warnings: [] },
  'a root in the file that is expiring': {
    material: withRoot(at(5)),
    worth: 'good',
    warnings: [
      'the root "CN=Ending" of the chain of tls.crt expires at 2026-11-06T12:00:00Z, in 5 days; order the certificate from a CA that lasts, and bring its root to the clients',
    ],
  },
  'a root in the file that is expired': {
    material: withRoot(at(-1)),
    worth: 'flawed',
    flaws: [
      'the root "CN=Ending" of the chain of tls.crt expired at 2026-10-31T12:00:00Z; order the certificate from a CA that lasts, and bring its root to the clients',
    ],
  },
  'an intermediate that is expired': {
    material: under({ notBefore: at(-90), notAfter: at(-1) }),
    worth: 'flawed',
    flaws: [
      'tls.crt: the intermediate "CN=Mid" expired at 2026-10-31T12:00:00Z, 1 day ago; put its successor into tls.crt',
    ],
  },
  'an intermediate that is not yet valid': {
    material: under({ notBefore: at(1) }),
    worth: 'flawed',
    flaws: [
      'tls.crt: the intermediate "CN=Mid" is not valid before 2026-11-02T12:00:00Z, in 1 day; check the clock, or put one that is valid into tls.crt',
    ],
  },
  'a key too weak for the level': {
    material: materialOf(issue({ keyType: 'RSA-2048' })),
    requirements: { strength: 3 },
    worth: 'unusable',
    unfit: [
      'tls.crt: the certificate "CN=shop.test" has a key "RSA 2048", too weak for the securityLevel of the host; order it with at least RSA 3072 or EC P-256, or choose a lower securityLevel',
    ],
  },
  'an intermediate too weak for the level': {
    material: under({ keyType: 'RSA-2048' }),
    requirements: { strength: 3 },
    worth: 'unusable',
    unfit: [
      'tls.crt: the intermediate "CN=Mid" has a key "RSA 2048", too weak for the securityLevel of the host; order from a CA with at least RSA 3072 or EC P-256, or choose a lower securityLevel',
    ],
  },
  'a signature that some clients refuse': {
    material: materialOf(issue({ keyType: 'EC P-384' })),
    requirements: { strength: 4 },
    worth: 'good',
    warnings: [
      'tls.crt: the certificate "CN=shop.test" is signed with "SHA-256", weaker than the securityLevel of the host, so that some clients refuse it; order from a CA that signs with at least SHA-384',
    ],
  },
  'a certificate for clients, on a server': {
    material: materialOf(issue({ client: true })),
    worth: 'flawed',
    flaws: [
      'tls.crt: the extended key usage of "CN=shop.test" is not for TLS servers; order the certificate with serverAuth',
    ],
  },
  'a certificate for clients, shown to a backend': {
    material: materialOf(issue({ client: true })),
    requirements: { purpose: 'client', hostNames: [] },
    worth: 'good',
  },
}

describe('material is assessed', () => {
  test.each(Object.entries(CASES))('%s', (_, { material, requirements, now = NOW, worth, ...expected }) => {
    const assessment = assess(material, { ...REQUIREMENTS, ...requirements }, now)
    const { changesAt: _changesAt, ...found } = assessment
    expect(found).toEqual({ unfit: [], outOfDate: [], flaws: [], warnings: [], ...expected })
    expect(worthOf(assessment)).toBe(worth)
  })

  test('with the next moment that time changes it', () => {
    const material = materialOf(issue({ notBefore: at(1), notAfter: at(100) }))
    const moment = (days: number) => assess(material, REQUIREMENTS, at(days).getTime()).changesAt
    expect(moment(0)).toBe(at(1).getTime())
    expect(moment(1)).toBe(at(70).getTime())
    expect(moment(70)).toBe(at(100).getTime() + 1)
    expect(moment(101)).toBeUndefined()
  })

  test('the last moment of a certificate belongs to it', () => {
    const material = materialOf(issue({ notAfter: at(100) }))
    expect(assess(material, REQUIREMENTS, at(100).getTime()).outOfDate).toEqual([])
    expect(assess(material, REQUIREMENTS, at(100).getTime() + 1).outOfDate).toHaveLength(1)
  })
})
