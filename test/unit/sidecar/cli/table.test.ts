import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ansi, crop, plain, widthOf } from '../../../../sidecar/cli/paint.ts'
import { type Column, tableLines } from '../../../../sidecar/cli/table.ts'

interface Row {
  readonly name: string
  readonly count: number
}
const columns: readonly Column<Row>[] = [
  { title: 'NAME', text: ({ name }) => name, style: ({ count }) => (count > 9 ? 'red' : undefined) },
  { title: 'EXTRA', isWide: true, text: () => 'x' },
  { title: 'COUNT', align: 'right', text: ({ count }) => String(count) },
  { title: 'NOTE', text: ({ name }) => (name === 'a' ? '' : `about ${name}`) },
]
const rows = [
  { name: 'a', count: 7 },
  { name: 'a much longer name', count: 1234567 },
]

describe('tableLines()', () => {
  test('aligns the columns, numbers on the right, and shows what is empty as -', () => {
    expect(tableLines(columns, rows, { isWide: false, paint: plain })).toEqual([
      'NAME                  COUNT  NOTE',
      'a                         7  -',
      'a much longer name  1234567  about a much longer name',
    ])
  })

  test('has more columns when it is wide', () => {
    expect(tableLines(columns, [{ name: 'a', count: 7 }], { isWide: true, paint: plain })).toEqual([
      'NAME  EXTRA  COUNT  NOTE',
      'a     x          7  -',
    ])
  })

  test('is as well aligned with colours', () => {
    const painted = tableLines(columns, rows, { isWide: false, paint: ansi })
    expect(painted[0]).toContain('\u001b[1mNAME\u001b[22m')
    expect(painted[2]).toContain('\u001b[31ma much longer name\u001b[39m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is removed
    const stripped = painted.map((line) => line.replace(/\u001b\[\d+m/g, ''))
    expect(stripped).toEqual(tableLines(columns, rows, { isWide: false, paint: plain }))
  })

  test('whatever a client chose to be called, a row is one line and steers no terminal', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (names) => {
        const made = names.map((name) => ({ name, count: 1 }))
        const lines = tableLines(columns.slice(0, 3), made, { isWide: true, paint: plain })
        expect(lines).toHaveLength(names.length + 1)
        // Every row ends where the titles do: the last column stands on the right.
        for (const line of lines) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
          expect(widthOf(line)).toBe(widthOf(lines[0] ?? ''))
        }
      }),
    )
  })
})

describe('widthOf()', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['東京', 4],
    ['😀', 2],
  ])('%j takes %i columns', (text, width) => expect(widthOf(text)).toBe(width))
})

describe('crop()', () => {
  test.each([
    ['abcdef', 3, 'abc'],
    ['abc', 10, 'abc'],
    ['東京', 3, '東'],
    [ansi('abcdef', 'red'), 3, '\u001b[31mabc\u001b[39m'],
    [`ab${ansi('cd', 'bold')}ef`, 2, 'ab\u001b[1m\u001b[22m'],
  ])('%j to %i columns is %j', (text, width, cropped) => expect(crop(text, width)).toBe(cropped))
})
