import { describe, expect, test } from 'vitest'
import { readYaml } from '../../../crds/yaml.ts'

/** The value of a scalar, or the rule that refuses it. */
function read(text: string): unknown {
  const result = readYaml(text)
  return result.ok ? result.documents.map((document) => document.value) : result.problem.rule
}

describe('readYaml', () => {
  // Each pair is what sigs.k8s.io/yaml 1.6.0, the reader of kubectl, printed as JSON for `a: SCALAR`.
  test.each<[string, unknown]>([
    ...['yes', 'on', 'y', 'Y', 'Yes', 'YES', 'True', 'TRUE', 'true', '!!bool yes'].map((text): [string, unknown] => [
      text,
      true,
    ]),
    ...['no', 'off', 'n', 'N', '!!bool off'].map((text): [string, unknown] => [text, false]),
    ['tRUE', 'tRUE'],
    ['0755', 493],
    ['0o755', 493],
    ['0O755', 493],
    ['0o17', 15],
    ['017', 15],
    ['08', 8],
    ['0x1F', 31],
    ['0X1F', 31],
    ['0b11', 3],
    ['-0b11', -3],
    ['-017', -15],
    ['1_000', 1000],
    ['_1', '_1'],
    ['1__0', 10],
    ['0_7', 7],
    ['190:20:30', '190:20:30'],
    ['1:30', '1:30'],
    ['12e03', 12000],
    ['1E3', 1000],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-.5', -0.5],
    ['+1', 1],
    ['2001-01-01', '2001-01-01'],
    ['2001-12-14t21:59:43.10-05:00', '2001-12-14t21:59:43.10-05:00'],
    ['!!timestamp 2001-01-01', '2001-01-01'],
    ['~', null],
    ['', null],
    ['null', null],
    ['NULL', null],
    ['nULL', 'nULL'],
    ['<<', '<<'],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    ['0x', '0x'],
    ['0o', '0o'],
    ['0b2', '0b2'],
    ['0xG', '0xG'],
    ['1e400', '1e400'],
    ['-0', 0],
    ['+0', 0],
    ['1e-3', 0.001],
    ['=', '='],
    ['1_0.5', 10.5],
    ['443.0', 443],
    ["'yes'", 'yes'],
    ['! yes', 'yes'],
    ['!!str 12', '12'],
    ["!!int '12'", 12],
    ['!!float 1', 1],
    ['!!binary aGk=', 'hi'],
    ["!!null ''", null],
    ['"\\x41"', 'A'],
  ])('reads the scalar %s as kubectl does', (text, value) => {
    expect(read(`a: ${text}\n`)).toStrictEqual([{ a: value }])
  })

  test('keys of other types become text, as in JSON', () => {
    expect(read('yes: 1\n1: 2\n1.5: 3\n')).toStrictEqual([{ true: 1, 1: 2, 1.5: 3 }])
  })

  test('merge keys work, and what stands in the object itself wins', () => {
    expect(read('a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n')).toStrictEqual([{ a: { b: 1, c: 2 }, d: { b: 1, c: 3 } }])
  })

  test('JSON is read as it is, surrogate pairs and escaped slashes included', () => {
    const value = { text: '\u{1f600}/é\n', list: [1, -0.5, true, null], deep: { '': {} } }
    expect(read(JSON.stringify(value).replaceAll('/', '\\/'))).toStrictEqual([value])
    expect(read('{"a":"\\ud83d\\ude00",\n\t"b": 1}')).toStrictEqual([{ a: '\u{1f600}', b: 1 }])
  })

  test('a field named __proto__ is a field like any other', () => {
    const [value] = read('__proto__: {polluted: true}\n') as [object]
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('documents come with the lines where they begin', () => {
    const result = readYaml('# comment\n\na: 1\n---\n# another\nb: 2\n---\nc: 3\n')
    expect(result.ok && result.documents.map(({ line }) => line)).toEqual([3, 6, 8])
  })

  test('a byte order mark and Windows line ends are no part of the text', () => {
    expect(read('\ufeffa: 1\r\nb: 2\r\n')).toStrictEqual([{ a: 1, b: 2 }])
  })

  test.each<[string, string | Uint8Array, string, RegExp]>([
    ['nothing', '', 'empty-input', /empty/],
    ['blanks', ' \n\n', 'empty-input', /empty/],
    ['a binary file', Uint8Array.of(0x30, 0x82, 0x01, 0xff), 'binary-input', /UTF-8/],
    ['a compressed file', '\u001f\u008b\u0008\u0000', 'binary-input', /control character "U\+001f"/],
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 0x61, 0), 'binary-input', /UTF-16/],
    ['a file of 100 MB', 'a'.repeat(100 * 1024 * 1024), 'too-large-input', /"104857600" bytes, more than 3145728/],
    ['a repeated field', 'a: 1\nspec:\n  b: 1\n  b: 2\n', 'duplicate-field', /"b" .* line 4, column 3/],
    ['a repeated field in JSON', '{"a": 1, "a": 2}', 'duplicate-field', /"a" .* line 1, column 10/],
    ['the same field in two spellings', 'yes: 1\ntrue: 2\n', 'duplicate-field', /"true"/],
    ['a bad indent', 'a: 1\n  b: 2\n', 'yaml-syntax', /line 2, column \d+/],
    ['a tab as indent', 'a:\n\tb: 2\n', 'yaml-syntax', /line 2, column \d+/],
    ['an unclosed list', 'a: [1, 2\n', 'yaml-syntax', /line \d/],
    ['an unknown alias', 'a: *b\n', 'yaml-syntax', /"b"/],
    ['an anchor within itself', 'a: &a [*a]\n', 'recursive-alias', /itself/],
    ['an anchor within itself, deeper', 'a: &a {b: {c: [1, *a]}}\n', 'recursive-alias', /itself/],
    ['a key that is a list', '? [1]\n: 2\n', 'yaml-syntax', /line 1/],
    ['an unknown tag', 'a: !ruby/object x\n', 'yaml-syntax', /line 1/],
    ['deep nesting', `${'['.repeat(5000)}`, 'yaml-syntax', /deeper/],
  ])('%s is refused with the cause and a cure', (_, text, rule, message) => {
    const result = readYaml(text)
    if (result.ok) throw new Error('accepted')
    expect(result.problem.rule).toBe(rule)
    expect(result.problem.message).toMatch(message)
    expect(result.problem.cure).not.toBe('')
  })

  test('a tab as indent is told as such', () => {
    const result = readYaml('a:\n\tb: 2\n')
    expect(!result.ok && result.problem.cure).toMatch(/tabs/)
  })

  test.each([
    ['lists of lists', (i: number) => `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]\n`, 'a0: &a0 [x, x]\n'],
    ['merges of merges', (i: number) => `a${i}: &a${i} {<<: *a${i - 1}, k${i}: *a${i - 1}}\n`, 'a0: &a0 {k: 1}\n'],
  ])('anchors that explode (%s) are refused within a second', (_, line, first) => {
    const start = performance.now()
    let text = first
    for (let i = 1; i < 100; i++) text += line(i)
    expect(read(text)).toBe('alias-expansion')
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
