import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChild } from '../support/child.ts'
import { within } from '../support/deadline.ts'
import { buildDist, type Dist } from '../support/dist.ts'
import { startEngine } from '../support/engine-process.ts'
import { host, listener, socketServer } from '../support/manifest.ts'
import { startOperator } from '../support/operator/operator-process.ts'
import { freePort } from '../support/ports.ts'
import { createReader } from '../support/reader.ts'
import { repository } from '../support/runtime.ts'
import { connectTls } from '../support/tls-client.ts'
import { createWorkspace } from '../support/workspace.ts'

let dist: Dist
beforeAll(() => {
  dist = buildDist()
}, 120_000)
afterAll(() => dist?.[Symbol.dispose]())

const run = (...args: string[]) =>
  execFileSync(dist.command[0], [dist.command[1], ...args], { cwd: dist.path, encoding: 'utf8' })
const read = (name: string) => readFileSync(join(dist.path, name), 'utf8')
const files = () =>
  readdirSync(dist.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Packages of which the bundle holds code, as the bundler marks them in it. */
const bundled = () => {
  const marks = files()
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(file, 'utf8').matchAll(/^\/\/#region .*node_modules\/((?:@[^/]+\/)?[^/]+)\//gm),
    ])
  return [...new Set(marks.map(([, directory = '']) => directory))].map((directory) => {
    const manifest = readFileSync(join(repository, 'node_modules', directory, 'package.json'), 'utf8')
    return JSON.parse(manifest) as { name: string; version: string; license: string }
  })
}

test('the bundle serves TLS with workers, and writes the log of each client', async () => {
  const port = await freePort()
  await using engine = await startEngine({
    command: dist.command,
    manifest: socketServer({ listeners: [listener({ port })], icsHosts: [host()] }),
    args: ['--self-signed', '--workers', '2'],
    readyWithinMs: 30_000,
  })
  for (const text of ['one', 'two', 'three']) {
    await using client = await connectTls({ port, servername: 'a.test', rejectUnauthorized: false })
    expect(await client.request(text)).toBe(text)
  }
  const line = await engine.waitForLog((one) => one.message === 'client closed', 10_000)
  expect(line).toMatchObject({ listener: 'tls', host: 'a', backend: 'echo' })
  expect((await engine.metrics()).sum('socketserver_workers')).toBe(2)
  expect(await engine.stop('SIGINT')).toEqual({ code: 0, signal: null })
})

test('the bundle has the example of its quickstart', async () => {
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const [port, httpPort, backendPort, admin] = ports.map(String)
  const args = ['--port', `${port}`, '--http-port', `${httpPort}`, '--backend-port', `${backendPort}`]
  const child = await startChild([
    ...dist.command,
    'quickstart',
    ...args,
    '--admin',
    `127.0.0.1:${admin}`,
    '--control',
    'none',
  ])
  try {
    const { stdout, stderr } = child.process
    if (stdout === null || stderr === null) throw new Error('the pipes are missing')
    stderr.resume()
    await createReader(stdout).until('Ctrl-C stops it.\n', 40_000)
    expect(run('health', '--admin', `127.0.0.1:${admin}`, '--ready')).toBe('ok\n')
    child.process.kill('SIGINT')
    expect(await within(15_000, 'the end', child.exited)).toEqual({ code: 0, signal: null })
  } finally {
    child.process.kill('SIGKILL')
  }
})

describe('the operator of the bundle', () => {
  test('prints its help and its roles', () => {
    expect(run('operator', '--help')).toMatch(/^usage: socketserver operator \[options\]/)
    expect(run('operator', 'role', '--namespace', 'a')).toContain('kind: Role\n')
  })

  test('lives while no API server answers, and health tells so', async () => {
    await using workspace = await createWorkspace()
    const server = `https://127.0.0.1:${await freePort()}`
    const named = (name: string, more: object) => [{ name, ...more }]
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a' },
      clusters: named('a', { cluster: { server } }),
      users: named('a', { user: { token: 'a' } }),
      contexts: named('a', { context: { cluster: 'a', user: 'a' } }),
    }
    const kubeconfig = await workspace.write('kubeconfig', JSON.stringify(config))
    const probes = `127.0.0.1:${await freePort()}`
    await using operator = await startOperator(kubeconfig, {
      program: [dist.command[1], 'operator'],
      args: ['--probes', probes],
      awaitReady: false,
    })
    await operator.waitForLog((line) => String(line['error'] ?? '').includes('ECONNREFUSED'), 30_000)
    expect(run('health', '--admin', probes)).toBe('ok\n')
  })
})

test('its version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
  expect(run('version')).toMatch(new RegExp(`^socketserver ${version.replaceAll('.', '\\.')} `))
})

test('every package whose code it holds is named with the text of its licence', () => {
  const text = read('THIRD-PARTY-LICENSES')
  expect(bundled().map(({ name }) => name)).toEqual(expect.arrayContaining(['zod', 'js-yaml', 'undici']))
  for (const { name, version, license } of bundled()) {
    const [, section = ''] = text.split(`\n${'='.repeat(80)}\n${name} ${version} (${license})\n${'='.repeat(80)}\n`)
    expect(section.slice(0, 12_000), `the licence of ${name}`).toMatch(
      /permission|permitted|Apache License|public domain/i,
    )
  }
})

test('its bill of materials names every package whose code it holds, and none of development', () => {
  const bill = JSON.parse(read('sbom.cdx.json')) as {
    bomFormat: string
    metadata: { component: { name: string; type: string } }
    components: { purl: string }[]
  }
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'socketserver', type: 'application' } },
  })
  const urls = bill.components.map(({ purl }) => purl)
  const wanted = bundled().map(({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`)
  expect(urls).toEqual(expect.arrayContaining(wanted))
  expect(urls.filter((url) => /\/(?:vitest|typescript|rolldown|knip)@/.test(url))).toEqual([])
})

test('nothing in it tells where it was built', () => {
  const places = [repository, dist.path]
  const telling = files().filter((file) => {
    const text = readFileSync(file, 'latin1')
    return places.some((place) => text.includes(place))
  })
  expect(telling).toEqual([])
})
