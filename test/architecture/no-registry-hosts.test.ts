import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryFiles } from './source.ts'

/**
 * Where packages come from is the business of the machine that installs them. Each name is put together here so that
 * this file does not hold one itself.
 */
const REGISTRIES: readonly RegExp[] = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['proxy', 'golang', 'org'],
  ['pypi', 'org'],
  ['index', 'crates', 'io'],
].map((labels) => new RegExp(labels.join('\\.'), 'i'))

const OTHER = /\b(?:artifactory|nexus|verdaccio|npm-proxy|npm-mirror)\b[\w.-]*\.[a-z]{2,}/i

const findings = (path: string, text: string) =>
  [...REGISTRIES, OTHER].flatMap((pattern) => {
    const found = pattern.exec(text)
    return found === null ? [] : [`${path} names the registry "${found[0]}"`]
  })

const resolvedUrls = (lock: string) => lock.match(/"resolved":\s*"[a-z+]+:[^"]*"/g) ?? []

const root = join(import.meta.dirname, '../..')

test('no file names the host of a package registry', () => {
  const found = repositoryFiles().flatMap((path) => findings(path, readFileSync(join(root, path), 'latin1')))
  expect(found).toEqual([])
})

test('the lock file says which packages, not from where', () => {
  expect(resolvedUrls(readFileSync(join(root, 'package-lock.json'), 'utf8')).slice(0, 3)).toEqual([])
})

test('the checker finds a registry and a resolved address', () => {
  expect(findings('a', `https://${['registry', 'npmjs', 'org'].join('.')}/zod`)).toHaveLength(1)
  expect(findings('a', `https://${['artifactory', 'example', 'com'].join('.')}/npm`)).toHaveLength(1)
  expect(resolvedUrls('{ "resolved": "https://example.com/zod.tgz" }')).toHaveLength(1)
  expect(resolvedUrls('{ "integrity": "sha512-x" }')).toEqual([])
})
