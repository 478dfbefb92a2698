import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { buildChain, type Finding } from '../../../../sidecar/certificates/chain.ts'
import { type Certificate, inspect } from '../../../../sidecar/certificates/inspect.ts'
import { createAuthority, createKey, createSelfSigned, type Issued } from '../../../support/certificates.ts'

const NOW = Date.now()
const DAY = 86_400_000
const root = createAuthority({ name: 'Root' })
const mid = root.intermediate({ name: 'Mid' })
const low = mid.intermediate({ name: 'Low' })
const leaf = low.issue({ names: ['shop.test'] })
const direct = root.issue({ names: ['shop.test'] })
const stranger = createAuthority({ name: 'Stranger' }).intermediate({ name: 'Strange Mid' })

// The same name as Low, another key: what a wrong download looks like.
const falseLow = mid.intermediate({ name: 'Low' })
const notCa = root.intermediate({ name: 'Not CA', isCa: false })
const noSign = root.intermediate({ name: 'No Sign', withoutCertSign: true })
const lonely = mid.issue({ names: ['shop.test'], issuerUrls: ['http://ca.test/mid.cer'] })
const caLeaf = root.issue({ names: ['shop.test'], isCa: true })
const selfSigned = createSelfSigned({ names: ['shop.test'] })
const reused = createKey()
const oldLow = mid.intermediate({
  name: 'Twin',
  key: reused,
  notBefore: new Date(NOW - 9 * DAY),
  notAfter: new Date(NOW - DAY),
})
const newLow = mid.intermediate({ name: 'Twin', key: reused })
const twin = newLow.issue({ names: ['shop.test'] })

type Row = {
  leaf: Issued
  /** Besides the leaf, which is first unless `file` has it. */
  rest?: readonly Issued[]
  file?: readonly Issued[]
  ca?: readonly Issued[]
  caProves?: boolean
  served: readonly Issued[]
  flaws?: readonly (string | RegExp)[]
  warnings?: readonly string[]
}

const CASES: Record<string, Row> = {
  'a leaf of an unknown issuer is fine: private roots are not in the file': { leaf: direct, served: [direct] },
  'a self-signed certificate is fine': { leaf: selfSigned, served: [selfSigned] },
  'a self-signed certificate that is its own ca.crt is fine': {
    leaf: selfSigned,
    ca: [selfSigned],
    served: [selfSigned],
  },
  'intermediates are served': { leaf, rest: [low, mid], served: [leaf, low, mid] },
  'the root is not served, and no fault': { leaf, rest: [low, mid, root], served: [leaf, low, mid] },
  'a chain may be proved by the root in ca.crt': { leaf, rest: [low, mid], ca: [root], served: [leaf, low, mid] },
  'a chain may be proved by an intermediate in ca.crt': { leaf, rest: [low], ca: [low], served: [leaf, low] },
  'a certificate twice is no fault': { leaf, rest: [low, low, mid, leaf], served: [leaf, low, mid] },
  'wrong order is put right': {
    leaf,
    rest: [mid, low],
    served: [leaf, low, mid],
    warnings: [
      'tls.crt holds its certificates in the wrong order; they are served in the right one; put each issuer after what it issued',
    ],
  },
  'a leaf that is not first is put first': {
    leaf,
    file: [low, leaf, mid],
    served: [leaf, low, mid],
    warnings: [
      'tls.crt begins with "CN=Low", but tls.key belongs to "CN=shop.test"; it is served in the right order; put the certificate of the key first',
    ],
  },
  'certificates that do not belong there are left out': {
    leaf: direct,
    rest: [stranger, mid],
    served: [direct],
    warnings: [
      'tls.crt holds certificates that are no part of the chain of "CN=shop.test" and are not served: "CN=Strange Mid", "CN=Mid"; remove them',
    ],
  },
  'an intermediate that is in ca.crt alone is served from there': {
    leaf,
    rest: [low],
    ca: [mid, root],
    served: [leaf, low, mid],
    warnings: ['tls.crt lacks the intermediate "CN=Mid"; it is served from ca.crt; append it to tls.crt'],
  },
  'an intermediate that its ca.crt proves missing is a flaw': {
    leaf,
    ca: [root],
    served: [leaf],
    flaws: [
      'tls.crt lacks the certificate of "CN=Low", which issued "CN=shop.test" and is not in ca.crt either; append it to tls.crt',
    ],
  },
  'an intermediate missing in the middle is a flaw': {
    leaf,
    rest: [low],
    ca: [root],
    served: [leaf, low],
    flaws: [
      'tls.crt lacks the certificate of "CN=Mid", which issued "CN=Low" and is not in ca.crt either; append it to tls.crt',
    ],
  },
  'a ca.crt that is for clients proves nothing': {
    leaf,
    rest: [low],
    ca: [stranger],
    caProves: false,
    served: [leaf, low],
  },
  'a root that is not the one of ca.crt is a flaw': {
    leaf: direct,
    rest: [root],
    ca: [stranger],
    served: [direct],
    flaws: [
      'ca.crt does not hold the CA "CN=Root" that the chain of tls.crt ends at; put that CA into ca.crt, or leave ca.crt out',
    ],
  },
  'an intermediate whose name fits and whose signature does not is a flaw': {
    leaf,
    rest: [falseLow, mid],
    served: [leaf],
    flaws: [
      'tls.crt: the certificate of "CN=Low" in it did not sign "CN=shop.test", though its name fits; replace it by the one that did',
    ],
    warnings: [
      'tls.crt holds certificates that are no part of the chain of "CN=shop.test" and are not served: "CN=Mid"; remove them',
    ],
  },
  'a wrong one beside the right one is only too much': {
    leaf,
    rest: [falseLow, low, mid],
    served: [leaf, low, mid],
    warnings: [
      'tls.crt holds certificates that are no part of the chain of "CN=shop.test" and are not served: "CN=Low"; remove them',
    ],
  },
  'an issuer without the CA flag is a flaw': {
    leaf: notCa.issue({ names: ['shop.test'] }),
    rest: [notCa],
    served: [expect.anything() as unknown as Issued, notCa],
    flaws: ['tls.crt: "CN=Not CA" issued a certificate of the chain but is not a CA; order the certificate from a CA'],
  },
  'an issuer that may not sign certificates is a flaw': {
    leaf: noSign.issue({ names: ['shop.test'] }),
    rest: [noSign],
    served: [expect.anything() as unknown as Issued, noSign],
    flaws: [
      'tls.crt: the key usage of the CA "CN=No Sign" does not allow to sign certificates; order the certificate from another CA',
    ],
  },
  'a leaf alone that tells where its issuer is found is suspect': {
    leaf: lonely,
    served: [lonely],
    warnings: [
      'tls.crt holds "CN=shop.test" alone; its issuer "CN=Mid" is probably an intermediate that clients do not know; append the certificate found at http://ca.test/mid.cer',
    ],
  },
  'such a leaf with its issuer is not': { leaf: lonely, rest: [mid], served: [lonely, mid] },
  'such a leaf with its issuer in ca.crt is served with it': {
    leaf: lonely,
    ca: [mid],
    served: [lonely, mid],
    warnings: ['tls.crt lacks the intermediate "CN=Mid"; it is served from ca.crt; append it to tls.crt'],
  },
  'a leaf that is the certificate of a CA is told': {
    leaf: caLeaf,
    served: [caLeaf],
    warnings: ['tls.crt: "CN=shop.test" is the certificate of a CA; order one for a server, without the CA flag'],
  },
  'of two certificates of one issuer the valid one is served': {
    leaf: twin,
    rest: [oldLow, newLow, mid],
    served: [twin, newLow, mid],
    warnings: [
      'tls.crt holds certificates that are no part of the chain of "CN=shop.test" and are not served: "CN=Twin"; remove them',
    ],
  },
}

const parse = (issued: Issued): Certificate => inspect(new X509Certificate(issued.certPem))
const messages = (findings: readonly Finding[], severity: Finding['severity']) =>
  findings.filter((one) => one.severity === severity).map((one) => one.message)

describe('a chain', () => {
  test.each(Object.entries(CASES))('%s', (_, row) => {
    const chain = buildChain({
      leaf: parse(row.leaf),
      file: (row.file ?? [row.leaf, ...(row.rest ?? [])]).map(parse),
      ca: (row.ca ?? []).map(parse),
      caProves: row.caProves ?? true,
      now: NOW,
    })
    expect(chain.served.slice(1).map((one) => one.pem)).toEqual(row.served.slice(1).map((one) => parse(one).pem))
    expect(chain.served[0]?.pem).toBe(parse(row.leaf).pem)
    expect(messages(chain.findings, 'flaw')).toEqual(row.flaws ?? [])
    expect(messages(chain.findings, 'warning')).toEqual(row.warnings ?? [])
  })

  test('that goes round in a circle ends', () => {
    const a = createKey()
    const b = createKey()
    const one = createAuthority({ name: 'B', key: b }).issue({ commonName: 'A', key: a, isCa: true })
    const two = createAuthority({ name: 'A', key: a }).issue({ commonName: 'B', key: b, isCa: true })
    const chain = buildChain({ leaf: parse(one), file: [one, two].map(parse), ca: [], caProves: true, now: NOW })
    expect(chain.served).toHaveLength(2)
  })
})
