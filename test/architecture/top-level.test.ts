import { expect, test } from 'vitest'
import { repositoryFiles } from './source.ts'

/** What a person finds at the top of the repository; everything else has a folder. */
const ALLOWED: ReadonlySet<string> = new Set([
  ...['crds', 'sidecar', 'operator', 'charts', 'test', 'examples'],
  ...[
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'Dockerfile',
    '.ci',
  ],
  // configuration of tools that look for it nowhere else
  ...['biome.json', 'knip.json', 'vitest.config.ts', '.gitignore', '.dockerignore', '.npmrc', '.gitattributes'],
])

const strangers = (paths: readonly string[]) =>
  [...new Set(paths.map((path) => path.split('/')[0] ?? ''))].filter((entry) => !ALLOWED.has(entry))

test('the top level holds the known entries and nothing else', () => {
  expect(strangers(repositoryFiles())).toEqual([])
})

test('the checker finds a stranger', () => {
  expect(strangers(['src/a.ts', 'src/b.ts', 'crds/index.ts'])).toEqual(['src'])
})
