import { expect, test } from 'vitest'
import { codeOf, lineAt } from './source.ts'

test('codeOf() blanks comments and keeps lines and columns', () => {
  const text = "const a = 1 // console.log\n/* process.exit()\n */ const b = 'x // y'\n"
  const code = codeOf(text, 'keep')
  expect(code).not.toMatch(/console|process/)
  expect(code).toContain("'x // y'")
  expect(code).toHaveLength(text.length)
  expect(code.split('\n')).toHaveLength(text.split('\n').length)
})

const blanked = {
  'a string in single quotes': "f('console.log')",
  'a string in double quotes': 'f("console.log")',
  'a template over lines': 'f(`a\nconsole.log`)',
  'an escaped quote': "f('it\\'s console.log')",
  'a regular expression': 'f(/console.log["]/)',
  'a comment that holds a quote': "// it's\n/* console.log */",
}
for (const [name, text] of Object.entries(blanked)) {
  test(`codeOf() blanks ${name}`, () => {
    expect(codeOf(text, 'blank')).not.toContain('console')
  })
}

test('codeOf() keeps code after a division and a string that holds a comment', () => {
  expect(codeOf("const a = b / c; const d = '/*'; console.log(a / d)", 'blank')).toContain('console.log(a / d)')
})

test('lineAt() counts from 1', () => {
  expect(lineAt('a\nb\nc', 4)).toBe(3)
})
