import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  prepareRuntimeDirectory,
  runtimeDirectories,
  socketFileName,
} from '../../../../../sidecar/control/control-socket/runtime-directory.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ss-run-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const uid = process.getuid?.() ?? 0
const facts = (xdgRuntimeDir: string | undefined) => ({
  xdgRuntimeDir,
  uid,
  temporary: join(root, 'tmp'),
  // Its parent is missing, as /run is where there is none: it cannot be made.
  system: join(root, 'no', 'run'),
})

describe('the runtime directory', () => {
  test('is looked for in $XDG_RUNTIME_DIR, /run and the directory for temporary files, in this order', () => {
    const told = { xdgRuntimeDir: '/run/user/7', uid: 7, temporary: '/tmp', system: '/run/socketserver' }
    expect(runtimeDirectories(told)).toEqual(['/run/user/7/socketserver', '/run/socketserver', '/tmp/socketserver-7'])
    for (const xdgRuntimeDir of [undefined, '', 'relative']) {
      expect(runtimeDirectories({ ...told, xdgRuntimeDir })).toEqual(['/run/socketserver', '/tmp/socketserver-7'])
    }
  })

  test('is made with mode 0700 where there is none', async () => {
    await mkdir(join(root, 'xdg'))
    const path = await prepareRuntimeDirectory(facts(join(root, 'xdg')))
    expect(path).toBe(join(root, 'xdg', 'socketserver'))
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('700')
    expect(await prepareRuntimeDirectory(facts(join(root, 'xdg')))).toBe(path)
  })

  test('is the next one when the first cannot be used', async () => {
    await mkdir(join(root, 'tmp'))
    expect(await prepareRuntimeDirectory(facts(join(root, 'gone')))).toBe(join(root, 'tmp', `socketserver-${uid}`))
  })

  test.each([
    [
      'that others can write to',
      'can be written by others',
      async (path: string) => {
        await mkdir(path)
        await chmod(path, 0o777)
      },
    ],
    [
      'that is a link to somewhere else',
      'is not a directory',
      async (path: string) => {
        await mkdir(join(root, 'trap'), { mode: 0o700 })
        await symlink(join(root, 'trap'), path)
      },
    ],
    ['that is a file', 'is not a directory', (path: string) => writeFile(path, '')],
  ])('is never one %s', async (_name, cause, make) => {
    await mkdir(join(root, 'tmp'))
    await make(join(root, 'tmp', `socketserver-${uid}`))
    await expect(prepareRuntimeDirectory(facts(undefined))).rejects.toMatchObject({
      code: 'SS_CANNOT_LISTEN',
      message: expect.stringContaining(cause),
      hint: expect.stringContaining('--control PATH'),
    })
  })

  test.runIf(uid === 0)('is never one of another user', async () => {
    await mkdir(join(root, 'tmp', `socketserver-${uid + 1}`), { recursive: true, mode: 0o700 })
    const asOther = { ...facts(undefined), uid: uid + 1 }
    // Made by root, for the user 1: root is trusted, so it is taken ...
    expect(await prepareRuntimeDirectory(asOther)).toContain('socketserver-1')
    // ... and made by the user 12345 it is not.
    const { chown } = await import('node:fs/promises')
    await chown(join(root, 'tmp', `socketserver-${uid + 1}`), 12345, 12345)
    await expect(prepareRuntimeDirectory(asOther)).rejects.toMatchObject({
      message: expect.stringContaining('belongs to another user (12345)'),
    })
  })
})

describe('socketFileName()', () => {
  test('is the name of the SocketServer', () => {
    expect(socketFileName('edge')).toBe('edge.sock')
    expect(socketFileName('edge', '-42')).toBe('edge-42.sock')
  })

  test('of long names stays short and tells them apart', () => {
    const [one, two] = [socketFileName('a'.repeat(253)), socketFileName(`${'a'.repeat(252)}b`)]
    expect(one).not.toBe(two)
    expect(Buffer.byteLength(`/run/user/1000/socketserver/.s123456/${one}`)).toBeLessThan(104)
  })
})
