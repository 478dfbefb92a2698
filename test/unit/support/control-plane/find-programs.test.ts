import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findPrograms } from '../../../support/control-plane/find-programs.ts'
import { modulesKey, pinnedModules } from '../../../support/control-plane/modules.ts'
import { BASE_PROGRAMS, type Program } from '../../../support/control-plane/programs.ts'

const PINNED = pinnedModules()
const MINOR = PINNED.version.replace(/^v(\d+\.\d+).*/, '$1')

let home: string
let cache: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'socketserver-programs-'))
  cache = join(home, 'cache', 'socketserver', 'control-plane')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** An environment without Go, so that what is found is not built. */
const environment = (more: Readonly<Record<string, string>> = {}) => ({
  ...{ PATH: '/nowhere', HOME: home, XDG_CACHE_HOME: join(home, 'cache'), ENVTEST_INDEX: '' },
  ...more,
})

function writePrograms(directory: string, programs: readonly Program[]): string {
  mkdirSync(directory, { recursive: true })
  for (const program of programs) {
    writeFileSync(join(directory, program), `#!/bin/sh\necho ${program}\n`)
    chmodSync(join(directory, program), 0o755)
  }
  return directory
}

/** Serves an index with one release, and its archive, as the real ones are laid out. */
async function serveArchive(version: string, spoil: (archive: Buffer) => Buffer = (archive) => archive) {
  writePrograms(join(home, 'archive', 'controller-tools', 'envtest'), BASE_PROGRAMS)
  const archive = execFileSync('tar', ['-cz', '-C', join(home, 'archive'), 'controller-tools'])
  const hash = createHash('sha512').update(archive).digest('hex')
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const name = `envtest-${version}-linux-${process.arch === 'x64' ? 'amd64' : process.arch}.tar.gz`
    const index = `releases:\n  ${version}:\n    ${name}:\n      hash: ${hash}\n      selfLink: ${origin}/${name}\n`
    response.end(request.url === '/index.yaml' ? index : spoil(archive))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    index: `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.yaml`,
    requests: () => requests,
    [Symbol.dispose]: () => void server.close(),
  }
}

const find = (env: Readonly<Record<string, string>>, told: string[] = []) =>
  findPrograms(BASE_PROGRAMS, (line) => told.push(line), env)

describe('the programs of a control plane', () => {
  test('are taken from KUBEBUILDER_ASSETS before anything else', async () => {
    const assets = writePrograms(join(home, 'assets'), BASE_PROGRAMS)
    writePrograms(join(cache, modulesKey(PINNED)), BASE_PROGRAMS)
    const found = await find(environment({ KUBEBUILDER_ASSETS: assets }))
    expect(found).toEqual(Object.fromEntries(BASE_PROGRAMS.map((program) => [program, join(assets, program)])))
  })

  test('in a KUBEBUILDER_ASSETS without them are an error that says so', async () => {
    const assets = writePrograms(join(home, 'assets'), ['kubectl'])
    await expect(find(environment({ KUBEBUILDER_ASSETS: assets }))).rejects.toThrow(
      `KUBEBUILDER_ASSETS is "${assets}", which holds no etcd, kube-apiserver`,
    )
  })

  test('are taken from the cache, the built before the downloaded', async () => {
    const downloaded = writePrograms(join(cache, `${PINNED.version}-envtest`), BASE_PROGRAMS)
    expect((await find(environment())).etcd).toBe(join(downloaded, 'etcd'))
    const built = writePrograms(join(cache, modulesKey(PINNED)), BASE_PROGRAMS)
    expect((await find(environment())).etcd).toBe(join(built, 'etcd'))
  })

  test('of another release are taken by KUBERNETES_VERSION, the newest patch of a minor', async () => {
    writePrograms(join(cache, modulesKey(PINNED)), BASE_PROGRAMS)
    for (const version of ['v1.34.2', 'v1.34.10', 'v1.33.9'])
      writePrograms(join(cache, `${version}-envtest`), BASE_PROGRAMS)
    expect((await find(environment({ KUBERNETES_VERSION: '1.34' }))).etcd).toBe(join(cache, 'v1.34.10-envtest', 'etcd'))
    expect((await find(environment({ KUBERNETES_VERSION: 'v1.34.2' }))).etcd).toBe(
      join(cache, 'v1.34.2-envtest', 'etcd'),
    )
    await expect(find(environment({ KUBERNETES_VERSION: 'latest' }))).rejects.toThrow('KUBERNETES_VERSION is "latest"')
  })

  test('are downloaded once where the network allows, and kept', async () => {
    using server = await serveArchive(`v${MINOR}.1`)
    const told: string[] = []
    const env = environment({ ENVTEST_INDEX: server.index, PATH: process.env['PATH'] ?? '' })
    const found = await find(env, told)
    expect(found.etcd).toBe(join(cache, `v${MINOR}.1-envtest`, 'etcd'))
    expect(execFileSync(found.kubectl ?? '', { encoding: 'utf8' })).toBe('kubectl\n')
    expect(told).toEqual([expect.stringContaining('downloading envtest-')])
    expect(await find(env)).toEqual(found)
    expect(server.requests()).toBe(2)
  })

  test('that arrive damaged are not kept', async () => {
    using server = await serveArchive(`v${MINOR}.1`, (archive) => archive.subarray(0, -1))
    await expect(find(environment({ ENVTEST_INDEX: server.index }))).rejects.toThrow(/is damaged/)
    expect(() => readFileSync(join(cache, `v${MINOR}.1-envtest`, 'etcd'))).toThrow()
  })

  test('are given up within seconds when the network swallows what is sent, and every reason is told', async () => {
    const silent = createTcpServer(() => {})
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const started = performance.now()
    const index = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
    await expect(find(environment({ ENVTEST_INDEX: index }))).rejects.toThrow(
      /there is no etcd, kube-apiserver, kubectl of Kubernetes v1.*no answer within.*go/s,
    )
    expect(performance.now() - started).toBeLessThan(30_000)
    silent.close()
  }, 40_000)
})
