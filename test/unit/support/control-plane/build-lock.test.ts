import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withLock } from '../../../support/control-plane/build-lock.ts'
import { repository } from '../../../support/runtime.ts'

let directory: string
let lock: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socketserver-lock-'))
  lock = join(directory, 'a.lock')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const quiet = () => {}

describe('the lock of a build', () => {
  test('lets one work at a time, also over processes, and is gone afterwards', async () => {
    const log = join(directory, 'log')
    const program = `
      import { appendFileSync } from 'node:fs'
      import { setTimeout as sleep } from 'node:timers/promises'
      import { withLock } from './test/support/control-plane/build-lock.ts'
      await withLock(${JSON.stringify(lock)}, () => {}, async () => {
        appendFileSync(${JSON.stringify(log)}, 'in ')
        await sleep(300)
        appendFileSync(${JSON.stringify(log)}, 'out ')
      })`
    const run = () =>
      spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { cwd: repository, stdio: 'inherit' })
    const ends = await Promise.all([run(), run(), run()].map((child) => once(child, 'exit')))
    expect(ends.map(([code]) => code)).toEqual([0, 0, 0])
    expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(3))
    expect(existsSync(lock)).toBe(false)
  }, 60_000)

  test('is taken over from a process that is dead', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    const place = `${hostname()} ${process.platform === 'linux' ? await namespaceOf() : ''}`.trim()
    writeFileSync(lock, JSON.stringify({ pid: child.pid, place, nonce: 'x' }))
    expect(await withLock(lock, quiet, async () => 'done')).toBe('done')
  })

  test('is taken over when nobody touches it any more', async () => {
    writeFileSync(lock, JSON.stringify({ pid: 1, place: 'another machine', nonce: 'x' }))
    const old = new Date(Date.now() - 60_000)
    utimesSync(lock, old, old)
    expect(await withLock(lock, quiet, async () => 'done')).toBe('done')
  })

  test('is waited for while its holder lives, and it is told who that is', async () => {
    writeFileSync(lock, JSON.stringify({ pid: process.pid, place: 'another machine', nonce: 'x' }))
    const told: string[] = []
    const waiting = withLock(
      lock,
      (holder) => told.push(holder),
      async () => 'done',
    )
    await sleep(100)
    expect(told).toEqual([`process ${process.pid}`])
    rmSync(lock)
    expect(await waiting).toBe('done')
  })

  test('is given back when the work fails', async () => {
    await expect(withLock(lock, quiet, () => Promise.reject(new Error('no Go')))).rejects.toThrow('no Go')
    expect(existsSync(lock)).toBe(false)
  })
})

async function namespaceOf(): Promise<string> {
  const { readlink } = await import('node:fs/promises')
  return readlink('/proc/self/ns/pid')
}
