import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeOf, repositoryFiles, type SourceFile, sourceFiles } from './source.ts'

/** More lines than this ask for a second idea, and so for a second file. */
const MAX_LINES = 400

const tooLong = ({ path, text }: SourceFile) => {
  const lines = text.trimEnd().split('\n').length
  return lines > MAX_LINES ? [`${path} has ${lines} lines, more than ${MAX_LINES}: split it by its ideas`] : []
}

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/
const wronglyNamed = (path: string) =>
  KEBAB.test(posix.basename(path)) ? [] : [`${path}: name files in kebab-case, after their main export`]

const SHAPELESS = /(^|\/)(utils?|helpers?|common|misc|shared)(\.ts|\/)/
const shapeless = (path: string) => (SHAPELESS.test(path) ? [`${path}: say what is in it`] : [])

const defaultExport = ({ path, text }: SourceFile) =>
  /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(codeOf(text, 'blank'))
    ? [`${path} has a default export: give it a name`]
    : []

const sources = sourceFiles(['crds/', 'sidecar/', 'operator/', 'charts/'])
const typescript = repositoryFiles().filter((path) => path.endsWith('.ts'))

test('no source file is longer than one idea', () => {
  expect(sources.flatMap(tooLong)).toEqual([])
})

test('files are named in kebab-case', () => {
  expect(typescript.flatMap(wronglyNamed)).toEqual([])
})

test('no file is named after nothing', () => {
  expect(typescript.flatMap(shapeless)).toEqual([])
})

test('only configuration files have default exports', () => {
  const files = sourceFiles().filter(({ path }) => !/(^|\/)[^/]+\.config\.ts$/.test(path))
  expect(files.flatMap(defaultExport)).toEqual([])
})

describe('the checker', () => {
  test('finds a file that is too long', () => {
    expect(tooLong({ path: 'a.ts', text: 'a\n'.repeat(401) })).toHaveLength(1)
    expect(tooLong({ path: 'a.ts', text: 'a\n'.repeat(400) })).toEqual([])
  })

  test.each(['HostTable.ts', 'sidecar/host_table.ts', 'a/hostTable.test.ts'])('finds the name %s', (path) => {
    expect(wronglyNamed(path)).toHaveLength(1)
  })

  test.each(['host-table.ts', 'a/x509.ts', 'vitest.config.ts', 'a-silent-client-is-closed.test.ts'])(
    'lets pass %s',
    (path) => {
      expect(wronglyNamed(path)).toEqual([])
    },
  )

  test.each(['sidecar/utils.ts', 'sidecar/helpers/a.ts', 'common.ts'])('finds the shapeless %s', (path) => {
    expect(shapeless(path)).toHaveLength(1)
  })

  test.each(['export default {}', 'export { a as default }'])('finds "%s"', (text) => {
    expect(defaultExport({ path: 'a.ts', text })).toHaveLength(1)
  })
})
