import { randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The holder touches its lock this often. */
const TOUCH_MS = 2_000
/** A lock untouched for longer belongs to nobody: its holder was killed on another machine, or froze. */
const ABANDONED_MS = 30_000

interface Holder {
  readonly pid: number
  /** Machine and process namespace, where `pid` means something. */
  readonly place: string
  readonly nonce: string
}

function place(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder
  } catch {
    return undefined
  }
}

/** The text of a lock that nobody holds any more; undefined when it is held or gone. */
async function staleText(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    const holder = holderOf(text)
    if (holder?.place === place() && !isAlive(holder.pid)) return text
    return Date.now() - (await stat(path)).mtimeMs > ABANDONED_MS ? text : undefined
  } catch {
    return undefined
  }
}

/** Takes a stale lock away. Of several that try, one moves it; who moved a lock taken in between puts it back. */
async function clear(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== stale) await link(aside, path)
  } catch {
    // Somebody else was faster.
  } finally {
    await rm(aside, { force: true })
  }
}

/** Creates the lock with its content in one step, so that nobody reads half of it. */
async function take(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text)
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/**
 * Does `work` while holding the lock file `path`, which at most one process on all that see the file does at a time.
 * `onWait` is called about once a second while another holds it, with what is known of the holder. The lock of a dead
 * process is taken over.
 */
export async function withLock<T>(path: string, onWait: (holder: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  const own: Holder = { pid: process.pid, place: place(), nonce: randomUUID() }
  const text = JSON.stringify(own)
  while (!(await take(path, text))) {
    const stale = await staleText(path)
    if (stale !== undefined) {
      await clear(path, stale)
      continue
    }
    const holder = holderOf(await readFile(path, 'utf8').catch(() => ''))
    onWait(holder === undefined ? 'another process' : `process ${holder.pid}`)
    await sleep(1_000)
  }
  const touch = setInterval(() => {
    const at = new Date()
    utimes(path, at, at).catch(() => {})
  }, TOUCH_MS)
  touch.unref()
  try {
    return await work()
  } finally {
    clearInterval(touch)
    if ((await readFile(path, 'utf8').catch(() => '')) === text) await rm(path, { force: true })
  }
}
