import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coversHostName, uncoveredHostNames } from '../../../../sidecar/certificates/host-names.ts'

const CASES: Record<string, [certificateName: string, hostName: string, covered: boolean]> = {
  'the same name': ['shop.example.com', 'shop.example.com', true],
  'another name': ['shop.example.com', 'www.example.com', false],
  'a wildcard for one label': ['*.example.com', 'shop.example.com', true],
  'a wildcard and two labels': ['*.example.com', 'a.shop.example.com', false],
  'a wildcard and no label': ['*.example.com', 'example.com', false],
  'a wildcard and an empty label': ['*.example.com', '.example.com', false],
  'a wildcard host name and the same wildcard': ['*.example.com', '*.example.com', true],
  'a wildcard host name and an exact name': ['shop.example.com', '*.example.com', false],
  'a wildcard host name below a wildcard': ['*.com', '*.example.com', false],
  'a wildcard inside a label': ['sh*.example.com', 'shop.example.com', false],
  'a wildcard in the second label': ['shop.*.com', 'shop.example.com', false],
  'a bare star': ['*', 'shop', false],
  'a name with a suffix of the wildcard': ['*.example.com', 'shop.badexample.com', false],
}

describe('a certificate name covers a host name', () => {
  test.each(Object.entries(CASES))('%s', (_, [certificateName, hostName, covered]) => {
    expect(coversHostName(certificateName, hostName)).toBe(covered)
  })

  test('what is not covered is told, without case', () => {
    expect(uncoveredHostNames(['a.test', '*.b.test'], ['A.test', 'x.b.test', 'c.test'])).toEqual(['c.test'])
    expect(uncoveredHostNames([], ['a.test'])).toEqual(['a.test'])
    expect(uncoveredHostNames(['a.test'], [])).toEqual([])
  })

  test('a wildcard never covers a name of another number of labels', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 4 }),
        fc.array(label, { minLength: 1, maxLength: 4 }),
        (a, b) => {
          const covered = coversHostName(`*.${a.join('.')}`, b.join('.'))
          expect(covered).toBe(b.length === a.length + 1 && b.slice(1).join('.') === a.join('.'))
        },
      ),
    )
  })
})
