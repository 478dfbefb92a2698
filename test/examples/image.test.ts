import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUILDERS, findBuilder } from '../../.ci/image/builder.ts'
import { startChild } from '../support/child.ts'
import { within } from '../support/deadline.ts'
import { eventually } from '../support/eventually.ts'
import { buildUnpackedImage, canIsolate, inImage, type UnpackedImage } from '../support/image.ts'
import { listener, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { createReader } from '../support/reader.ts'
import { repository } from '../support/runtime.ts'

const isRequired = process.env['REQUIRE_IMAGE'] === '1'
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }

const reasonWithout = (): string | undefined => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'a base of the locked Node can be made on Linux x86-64 alone'
  try {
    findBuilder()
    return undefined
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ')
  }
}
const noImage = reasonWithout()
if (noImage !== undefined) process.stderr.write(`image: THE IMAGE IS NOT BUILT: ${noImage}\n`)
const noNamespace = noImage === undefined && !canIsolate() ? 'no namespace of mounts can be made here' : undefined
if (noNamespace !== undefined) process.stderr.write(`image: NOTHING IS RUN IN THE IMAGE: ${noNamespace}\n`)

describe('npm run image', () => {
  const image = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const all = { ...process.env, ...env }
    return spawnSync(process.execPath, ['.ci/image.ts', ...args], { cwd: repository, env: all, encoding: 'utf8' })
  }

  test('without a builder names all three, and what to install on Debian', () => {
    const empty = mkdtempSync(join(tmpdir(), 'socketserver-no-programs-'))
    const { status, stdout, stderr } = image([], { PATH: empty })
    rmSync(empty, { recursive: true })
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'Cannot build the image: no program here builds images (docker: not installed; podman: not installed; buildah: not installed)\n' +
        'hint: install one of docker, podman and buildah; on Debian: apt-get install --no-install-recommends buildah\n',
    )
  })

  test('tells its options, and refuses what it does not know', () => {
    const { status, stdout } = image(['--help'])
    expect(status).toBe(0)
    for (const option of ['tag', 'base', 'builder', 'output']) expect(stdout).toContain(`--${option} `)
    expect(image(['--bsae', 'x'])).toMatchObject({ status: 1, stderr: expect.stringContaining('--bsae') })
    expect(image(['--builder', 'x'])).toMatchObject({ status: 1, stderr: expect.stringContaining(BUILDERS.join(', ')) })
  })
})

describe.skipIf(noImage !== undefined && !isRequired)('the image', () => {
  const tag = `socketserver-test-${process.pid}:${version}`
  let image: UnpackedImage
  beforeAll(() => {
    image = buildUnpackedImage(tag)
  }, 300_000)
  afterAll(() => {
    image?.[Symbol.dispose]()
    // Podman and Buildah had a storage of their own.
    if (noImage === undefined && findBuilder().name === 'docker') spawnSync('docker', ['image', 'rm', tag])
  })

  test('is smaller than 70 MB when compressed', { timeout: 120_000 }, async () => {
    expect(await image.compressedBytes()).toBeLessThan(70e6)
  })

  test('has its name, its labels, a user who is nobody, and a health check by its own binary', () => {
    expect(image.tags.map((one) => one.replace(/^docker\.io\/library\//, ''))).toEqual([tag])
    expect(image.config).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['node', '/opt/socketserver/sidecar/bin.js'],
      Healthcheck: { Test: ['CMD', 'node', '/opt/socketserver/sidecar/bin.js', 'health'] },
      Labels: {
        'org.opencontainers.image.title': 'socketserver',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.revision': expect.stringMatching(/^(?:[0-9a-f]{40}|unknown)$/),
        'org.opencontainers.image.created': expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    })
  })

  test('holds no shell, nothing that runs as somebody else, and the licences of all that is in it', () => {
    const entries = readdirSync(image.root, { recursive: true, encoding: 'utf8' })
    expect(entries.filter((path) => /(?:^|\/)(?:sh|bash|dash|busybox|env)$/.test(path))).toEqual([])
    expect(execFileSync('find', [image.root, '-perm', '/6000', '-type', 'f'], { encoding: 'utf8' })).toBe('')
    expect(execFileSync('find', [image.root, '!', '-perm', '-o+r'], { encoding: 'utf8' })).toBe('')
    for (const path of [
      'opt/socketserver/THIRD-PARTY-LICENSES',
      'opt/socketserver/sbom.cdx.json',
      'usr/share/doc/nodejs/LICENSE',
    ])
      expect(existsSync(join(image.root, path)), path).toBe(true)
  })

  describe.skipIf(noNamespace !== undefined && !isRequired)('under a root that cannot be written', () => {
    let config: string
    beforeAll(() => {
      config = mkdtempSync(join(tmpdir(), 'socketserver-image-config-'))
      chmodSync(config, 0o755)
    })
    afterAll(() => rmSync(config, { recursive: true, force: true }))

    const inside = (words: readonly string[]) => {
      const [program = '', ...args] = inImage(image, config, words)
      return spawnSync(program, args, { encoding: 'utf8' })
    }

    test('is the operator', () => {
      const { Entrypoint } = image.config
      expect(inside([...Entrypoint, 'operator', '--help'])).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^usage: socketserver operator/),
      })
      expect(inside([...Entrypoint, 'operator', 'role']).stdout).toContain('kind: ClusterRole\n')
    })

    test('is the engine, which serves as nobody with workers, and is asked by its own binary', {
      timeout: 180_000,
    }, async () => {
      const [port, admin] = [await freePort(), await freePort()]
      const plain = listener({ name: 'plain', port, tls: false, handler: { type: 'Echo' } })
      writeFileSync(join(config, 'socketserver.json'), JSON.stringify(socketServer({ listeners: [plain] })), {
        mode: 0o644,
      })
      const [program, ...args] = inImage(image, config, [
        ...[...image.config.Entrypoint, 'serve', '-f', '/etc/socketserver/config', '--admin', `127.0.0.1:${admin}`],
        ...['--control', '/tmp/socketserver.sock', '--log', 'json', '--workers', '2'],
      ])
      const child = await startChild([program, ...args])
      try {
        let log = ''
        for (const stream of [child.process.stdout, child.process.stderr])
          stream?.setEncoding('utf8').on('data', (text: string) => {
            log += text
          })
        const health = () => inside(['socketserver', 'health', '--admin', `127.0.0.1:${admin}`, '--ready'])
        await eventually(() => expect({ ...health(), log }).toMatchObject({ status: 0, stdout: 'ok\n' }), {
          withinMs: 60_000,
        })
        const socket = connect(port, '127.0.0.1')
        socket.write('hello\n')
        expect(await createReader(socket).until('hello\n', 10_000)).toBe('hello\n')
        socket.destroy()
        expect(readFileSync(`/proc/${child.pid}/status`, 'utf8')).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m)
        child.process.kill('SIGTERM')
        expect(await within(20_000, 'the end', child.exited)).toEqual({ code: 0, signal: null })
      } finally {
        child.process.kill('SIGKILL')
      }
    })
  })
})
