import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './runtime.ts'

/** The README of the repository. */
export const readme = readFileSync(join(repository, 'README.md'), 'utf8')

/** The text below a heading of that level, up to the next one of that level or above; empty without it. */
export function readmeSection(heading: string): string {
  const [marks = '#'] = heading.split(' ')
  const [, rest = ''] = readme.split(`\n${heading}\n`)
  return rest.split(new RegExp(`\n#{1,${marks.length}} `))[0] ?? ''
}

/** The cells of each row of the tables in a text, without their heads; a pipe within a cell is written `\|`. */
export const tableRows = (text: string): readonly (readonly string[])[] =>
  [...text.matchAll(/^\|---.*\n((?:\|.*\n)*)/gm)].flatMap(([, rows = '']) =>
    rows
      .trimEnd()
      .split('\n')
      .map((row) =>
        row
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim()),
      ),
  )

/** What stands between backticks. */
export const codeOf = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
