import { execFileSync } from 'node:child_process'
import { mkdir, symlink, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  findManifestFiles,
  MAX_MANIFEST_BYTES,
  readManifestFile,
  readManifestInput,
  resolveManifestPath,
} from '../../../../../sidecar/control/config/load.ts'
import { createWorkspace, type Workspace } from '../../../../support/workspace.ts'

let workspace: Workspace
beforeEach(async () => {
  workspace = await createWorkspace()
})
afterEach(() => workspace[Symbol.asyncDispose]())

const refusal = (message: string) => ({
  code: 'SS_INPUT_UNREADABLE',
  exitCode: 2,
  message: expect.stringContaining(message),
  hint: expect.stringMatching(/.+/),
})

describe('readManifestFile()', () => {
  test('reads text, with or without a byte order mark', async () => {
    expect((await readManifestFile(await workspace.write('a', 'kind: ü'))).text).toBe('kind: ü')
    expect((await readManifestFile(await workspace.write('b', '\ufeffkind: x'))).text).toBe('kind: x')
  })

  test.each([
    ['a zero byte', Buffer.from('kind\0'), 'not text in UTF-8 (a zero byte at offset 4)'],
    ['UTF-16', Buffer.from('kind', 'utf16le'), 'not text in UTF-8'],
    ['Latin-1', Buffer.from('k\xfcnd', 'latin1'), 'not text in UTF-8'],
  ])('refuses %s as binary', async (_name, bytes, message) => {
    await expect(readManifestFile(await workspace.write('a', bytes))).rejects.toMatchObject(refusal(message))
  })

  test('refuses a file of 100 MB by its size, before a byte is read', async () => {
    const path = await workspace.write('big.yaml', '')
    await truncate(path, 100 * 1024 * 1024)
    const before = process.memoryUsage.rss()
    await expect(readManifestFile(path)).rejects.toMatchObject(refusal('104857600 bytes, more than the'))
    expect(process.memoryUsage.rss() - before).toBeLessThan(20 * 1024 * 1024)
  })

  test('takes a file at the limit, and refuses one byte more', async () => {
    const path = await workspace.write('big.yaml', 'x'.repeat(MAX_MANIFEST_BYTES))
    expect((await readManifestFile(path)).text.length).toBe(MAX_MANIFEST_BYTES)
    await truncate(path, MAX_MANIFEST_BYTES + 1)
    await expect(readManifestFile(path)).rejects.toMatchObject(refusal('more than'))
  })

  test('stops reading a device that has no end', async () => {
    await expect(readManifestFile('/dev/zero')).rejects.toMatchObject(refusal('"/dev/zero" holds more than'))
  })

  test('refuses a directory, a missing file, and a path through a file', async () => {
    const file = await workspace.write('a', '')
    await expect(readManifestFile(workspace.path)).rejects.toMatchObject(refusal('is a directory'))
    await expect(readManifestFile(join(workspace.path, 'no'))).rejects.toMatchObject(refusal('does not exist'))
    await expect(readManifestFile(join(file, 'no'))).rejects.toMatchObject(refusal('not a directory'))
  })

  test('refuses a link that leads to itself', async () => {
    const path = join(workspace.path, 'loop')
    await symlink('loop', path)
    await expect(readManifestFile(path)).rejects.toMatchObject(refusal('leads to itself'))
  })
})

test('readManifestInput() reads to the end within the same limit', async () => {
  expect((await readManifestInput(Readable.from([Buffer.from('ki'), Buffer.from('nd')]))).text).toBe('kind')
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(65_536, 'x')
    })(),
  )
  await expect(readManifestInput(endless)).rejects.toMatchObject(refusal('holds more than'))
})

describe('resolveManifestPath()', () => {
  test('takes a file as it is, and the one manifest of a mounted ConfigMap', async () => {
    const file = await workspace.write('a.yaml', '')
    expect(await resolveManifestPath(file)).toBe(file)
    const directory = join(workspace.configMaps, 'edge')
    await mkdir(join(directory, '..v1'), { recursive: true })
    await workspace.write('configmaps/edge/..v1/edge.yaml', 'kind: x')
    await symlink('..v1', join(directory, '..data'))
    await symlink('..data/edge.yaml', join(directory, 'edge.yaml'))
    expect(await resolveManifestPath(directory)).toBe(join(directory, 'edge.yaml'))
  })

  test('refuses a directory with none or with several', async () => {
    await expect(resolveManifestPath(workspace.secrets)).rejects.toMatchObject(refusal('has no .yaml'))
    await workspace.write('secrets/a.yaml', '')
    await workspace.write('secrets/b.json', '')
    await expect(resolveManifestPath(workspace.secrets)).rejects.toMatchObject(
      refusal('2 manifest files: "a.yaml", "b.json"'),
    )
  })
})

describe('findManifestFiles()', () => {
  test('finds what is below a directory in a stable order, each file once', async () => {
    for (const name of ['d/b.yaml', 'd/a/x.JSON', 'd/a/.hidden.yaml', 'd/.git/y.yaml', 'd/c.txt'])
      await workspace.write(name, '')
    const directory = join(workspace.path, 'd')
    await symlink('.', join(directory, 'self'))
    await symlink('b.yaml', join(directory, 'link.yaml'))
    expect(await findManifestFiles([directory])).toEqual([join(directory, 'a/x.JSON'), join(directory, 'b.yaml')])
  })

  test('a link that leads nowhere is told', async () => {
    await symlink('nowhere', join(workspace.path, 'secrets/gone.yaml'))
    await expect(findManifestFiles([workspace.secrets])).rejects.toMatchObject(refusal('gone.yaml" does not exist'))
  })
})

test.skipIf(process.getuid?.() !== 0)('a file that may not be read is told, with the cure', async () => {
  const path = await workspace.write('a.yaml', 'kind: x')
  execFileSync('chmod', ['0755', workspace.path])
  execFileSync('chmod', ['0600', path])
  const code = `
    const { readManifestFile } = await import(${JSON.stringify(join(process.cwd(), 'sidecar/control/config/load.ts'))})
    await readManifestFile(process.argv[1]).then(() => console.log('read'), (error) => console.log(error.message, error.hint))
  `
  const out = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', code, path], {
    uid: 65_534,
    gid: 65_534,
  })
  expect(String(out)).toMatch(/may not be read by this user.*give this user the right/)
})
