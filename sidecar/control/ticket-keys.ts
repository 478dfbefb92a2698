import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

/** Milliseconds between two looks at the directory. */
const LOOK_MS = 1_000
/** How long a key of our own is the newest, and how many there are. */
const PERIOD_MS = 12 * 3_600_000
const KEPT = 3
/** What a key file may hold: less is no secret, more is something else. */
const BYTES = { least: 32, most: 1024, made: 48 } as const
/** Key files that are used at the most, the newest. */
const MOST_KEYS = 8
const OWN_NAME = /^ticket-(\d{4}-\d\d-\d\dT\d\d)\.key$/

/** Where the keys are, and who is told. */
export interface TicketKeysOptions {
  readonly directory: string
  /** Called with all secrets, the newest first, at the start and whenever they change. */
  readonly use: (secrets: readonly Buffer[]) => void
  readonly log: Log
  readonly clock: Clock
}

const byName = new Intl.Collator('en', { numeric: true })

/**
 * The secrets of session tickets, from the files of a directory that several processes may share: the last by name
 * (numbers as numbers) encrypts, all decrypt. Names and not times, so that every process sees the same order.
 *
 * A directory that is empty and can be written gets a key of our own, readable by its owner alone, and a new one every
 * 12 hours; the last three stay. Where a file has another name than ours, somebody else rotates, and nothing is written.
 */
export class TicketKeys {
  readonly #options: TicketKeysOptions
  #seen = ''
  #told = new Set<string>()
  #timer: NodeJS.Timeout | undefined = undefined
  #isClosed = false

  private constructor(options: TicketKeysOptions) {
    this.#options = options
  }

  /** Reads the keys; from here on they are watched. */
  static async open(options: TicketKeysOptions): Promise<TicketKeys> {
    const keys = new TicketKeys(options)
    await keys.#look()
    keys.#lookLater()
    return keys
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #lookLater(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#look().then(() => this.#lookLater()), LOOK_MS)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const { directory, log } = this.#options
    try {
      const names = await this.#rotate(await this.#names())
      const stamps = await Promise.all(
        names.map(async (name) => {
          const { ino, size, mtimeNs } = await stat(join(directory, name), { bigint: true })
          return `${name} ${ino} ${size} ${mtimeNs}`
        }),
      )
      const seen = stamps.join('\n')
      if (seen === this.#seen) return
      const secrets = await this.#read(names)
      this.#seen = seen
      if (secrets.length === 0) {
        this.#tellOnce('no file of the directory can be used: tickets stay as they are', directory)
        return
      }
      this.#told.clear()
      this.#options.use(secrets)
      log('info', 'session ticket keys loaded', { directory, keys: secrets.length, newest: names[0] })
    } catch (error) {
      this.#tellOnce(error instanceof Error ? error.message : String(error), directory)
    }
  }

  /** Names of the key files, the newest first. What begins with a dot is the kubelet's. */
  async #names(): Promise<string[]> {
    const entries = await readdir(this.#options.directory, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory())
      .map((entry) => entry.name)
      .sort((a, b) => byName.compare(b, a))
      .slice(0, MOST_KEYS)
  }

  async #read(names: readonly string[]): Promise<Buffer[]> {
    const secrets: Buffer[] = []
    for (const name of names) {
      const path = join(this.#options.directory, name)
      try {
        const bytes = await readFile(path)
        if (bytes.length >= BYTES.least && bytes.length <= BYTES.most) secrets.push(bytes)
        else this.#tellOnce(`it has ${bytes.length} bytes; give ${BYTES.least} to ${BYTES.most} random ones`, path)
      } catch (error) {
        this.#tellOnce((error as Error).message, path)
      }
    }
    return secrets
  }

  /** Makes the key of the present period, and removes the oldest, when all keys are our own. */
  async #rotate(names: string[]): Promise<string[]> {
    if (!names.every((name) => OWN_NAME.test(name))) return names
    const now = this.#options.clock.now()
    const period = new Date(now - (now % PERIOD_MS))
    const wanted = `ticket-${period.toISOString().slice(0, 13)}.key`
    // A clock that was set back makes no older key the newest.
    if (names.some((name) => byName.compare(name, wanted) >= 0)) return names
    const { directory } = this.#options
    try {
      // Another process that shares the directory makes the same name; whoever comes first, it is one key.
      const file = await open(join(directory, wanted), 'wx', 0o600)
      await file.writeFile(randomBytes(BYTES.made))
      await file.close()
      for (const name of names.slice(KEPT - 1)) await unlink(join(directory, name)).catch(() => {})
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A mounted Secret is rotated by whoever writes it.
      const isOthers = code === 'EROFS' || code === 'EACCES' || code === 'EPERM'
      if (code !== 'EEXIST' && !(isOthers && names.length > 0)) throw error
    }
    return await this.#names()
  }

  #tellOnce(problem: string, path: string): void {
    const text = `${path} ${problem}`
    if (this.#told.has(text)) return
    this.#told.add(text)
    this.#options.log('warn', 'session ticket keys cannot be used', { path, problem })
  }
}
