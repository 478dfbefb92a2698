import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { listPatterns } from '../../../crds/catalogue.ts'
import { PATTERNS } from '../../../crds/patterns.ts'

describe('patterns', () => {
  test('each pattern is in use', () => {
    expect(PATTERNS.filter((pattern) => !listPatterns().includes(pattern)).map(({ id }) => id)).toEqual([])
  })

  test.each(PATTERNS.map((named) => [named.id, named] as const))(
    '%s means the same in RE2 as in JavaScript',
    (_, { pattern }) => {
      const re2 = RE2JS.compile(pattern.source)
      const unit = fc.constantFrom(...'aZ09-._*:/%~ \n\té€', 'xn--', '.example', '127.0.0.1', '::')
      fc.assert(
        fc.property(fc.string({ unit, maxLength: 80 }), (text) => {
          expect(re2.matcher(text).find()).toBe(pattern.test(text))
        }),
        { numRuns: 2000 },
      )
    },
  )

  test.each([
    [
      'host-name',
      ['a', 'shop.example.com', '*.example.com', '*.com', 'XN--MNCHEN-3YA.example', '3com.example'],
      ['', '*', 'a.*.b', '*a.b', '-a.b', 'a-.b', 'a..b', '.a', 'a.', 'a_b.c', `${'a'.repeat(64)}.b`],
    ],
    ['host-name-ip-address', ['a', 'a.1a', '1.2.3.4.a', 'a.b-1'], ['1', '1.2.3.4', 'a.1', 'a.-']],
    [
      'backend-host',
      ['a', 'a_b.c', 'a.b.', '10.0.0.1', '::1', '2001:db8::1'],
      ['', 'http://a', '[::1]', 'a b', 'a:80x', '-a'],
    ],
    ['dns-label', ['a', 'a-b', '0'], ['A', '-a', 'a-', 'a.b', '']],
    ['object-name', ['a', 'a.b', '0.a-b'], ['A', 'a..b', '.a', 'a_b']],
    ['url-path', ['/', '/a?b=c%20&d', '/ä'.normalize().slice(0, 1)], ['a', '', '/a b', '/#x', '/ä', '/"']],
    ['unix-path', ['/run/a.sock', '/a b'], ['run/a', '/', '/ä', '/a\n']],
    ['sha256', ['0'.repeat(64)], ['A'.repeat(64), '0'.repeat(63)]],
    ['alpn-protocol', ['h2', 'http/1.1'], ['', 'a b', 'é']],
  ])('%s takes and refuses the texts it should', (id, good, bad) => {
    const pattern = PATTERNS.find((named) => named.id === id)?.pattern ?? /$^/
    expect(good.filter((text) => !pattern.test(text))).toEqual([])
    expect(bad.filter((text) => pattern.test(text))).toEqual([])
  })

  test('no pattern takes long over any text of the greatest length', () => {
    const texts = ['a', 'a.', '-', '1.', 'a-', '*.', ':', '/'].map((piece) => `${piece.repeat(1024 / piece.length)}\n`)
    const start = performance.now()
    for (const { pattern } of PATTERNS) for (const text of texts) pattern.test(text)
    expect(performance.now() - start).toBeLessThan(500)
  })
})
