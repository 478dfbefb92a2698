import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../support/runtime.ts'

// Below node_modules no runtime strips types, so what is published has to be tried there and nowhere else.
const place = mkdtempSync(join(tmpdir(), 'socketserver-package-'))
const modules = join(place, 'node_modules')
const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: place, encoding: 'utf8' })

beforeAll(() => {
  execFileSync(process.execPath, ['.ci/package.ts'], { cwd: repository })
  mkdirSync(modules, { recursive: true })
  cpSync(join(repository, 'dist'), join(modules, 'socketserver'), { recursive: true })
  for (const name of ['zod', 'js-yaml', 'prom-client'])
    symlinkSync(join(repository, 'node_modules', name), join(modules, name))
})
afterAll(() => rmSync(place, { recursive: true, force: true }))

test('the command of the published package runs', () => {
  expect(run('node_modules/socketserver/sidecar/bin.js', 'version')).toMatch(/^socketserver \d+\.\d+\.\d+ /)
  expect(
    run('node_modules/socketserver/sidecar/bin.js', 'validate', '-f', 'node_modules/socketserver/examples'),
  ).toContain('quickstart.yaml')
})

test('the library of the published package is imported by its name', () => {
  const script = "import('socketserver').then((library) => console.log(typeof library.parseSocketServer))"
  expect(run('-e', script).trim()).toBe('function')
})
