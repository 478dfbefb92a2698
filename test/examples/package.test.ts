import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../support/runtime.ts'

// Below node_modules no runtime strips types, so what is published has to be tried there and nowhere else.
const place = mkdtempSync(join(tmpdir(), 'socketserver-package-'))
const modules = join(place, 'node_modules')
const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: place, encoding: 'utf8' })

beforeAll(() => {
  mkdirSync(modules, { recursive: true })
  execFileSync(process.execPath, ['.ci/package.ts', join(modules, 'socketserver')], { cwd: repository })
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

test('the library of the published package serves a program that imports it by its name', () => {
  const program = [
    "import net from 'node:net'",
    "import { SocketServer } from 'socketserver'",
    'const probe = net.createServer().listen(0, () => {',
    '  const { port } = probe.address()',
    '  probe.close(async () => {',
    "    const listeners = [{ name: 'a', address: '127.0.0.1', port, tls: false }]",
    "    const server = new SocketServer({ listeners }, { handler: (client) => client.end('served') })",
    '    await server.listen()',
    "    net.connect(port, '127.0.0.1').on('data', (data) => console.log(String(data))).on('end', () => server.abort())",
    '  })',
    '})',
  ]
  writeFileSync(join(place, 'program.mjs'), program.join('\n'))
  expect(run('program.mjs').trim()).toBe('served')
})

test('the types of the published package are those of the sources', { timeout: 120_000 }, () => {
  cpSync(join(repository, 'examples/chat.ts'), join(place, 'chat.mts'))
  symlinkSync(join(repository, 'node_modules/@types'), join(modules, '@types'))
  const wrong = [
    "import { SocketServer } from 'socketserver'",
    "const server = new SocketServer({ listeners: [{ name: 'a', port: 1 }] }, { handler: (client) => client.write('') })",
    "server.on('client', (client) => client.noSuchMember)",
    "server.on('clientClosed', (record) => record.noSuchField)",
  ]
  writeFileSync(join(place, 'wrong.mts'), wrong.join('\n'))
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
  ]
  const check = (file: string) => {
    const tsc = [join(repository, 'node_modules/.bin/tsc'), ...options, '--lib', 'es2024,esnext.disposable', file]
    const { stdout } = spawnSync(process.execPath, tsc, { cwd: place, encoding: 'utf8' })
    return stdout.trim()
  }
  expect(check('chat.mts')).toBe('')
  const problems = check('wrong.mts')
  expect(problems).toContain('noSuchMember')
  expect(problems).toContain('noSuchField')
})
