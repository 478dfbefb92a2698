import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fingerprintOf, isDirectoryMissing, readEntry } from './entry-files.ts'
import { givenEntries } from './given-material.ts'
import type { Entry } from './load.ts'

/** Files of one directory that belong together. */
export interface WatchedGroup {
  /** Unique. */
  readonly id: string
  /** Undefined: what is not given in memory is missing. */
  readonly directory: string | undefined
  readonly files: readonly string[]
  /** What is given in memory instead; asked at each look. */
  readonly given?: () => Parameters<typeof givenEntries>[0] | undefined
}

/** What a group holds. */
export interface GroupContent {
  /** The directory itself is not there. */
  readonly isMissing: boolean
  /** One entry per file of the group, in its order. */
  readonly entries: readonly Entry[]
  /** Equal when everything is equal. */
  readonly hash: string
}

interface Pending {
  readonly content: GroupContent
  /** Since when the content is what it is, on the monotonic clock. */
  readonly since: number
  isOffered: boolean
}

interface Watched {
  readonly group: WatchedGroup
  fingerprint: string
  content: GroupContent
  pending: Pending | undefined
  /** Until when a look reads the files even when the fingerprint is the same, on the monotonic clock. */
  readUntil: number
  timer: NodeJS.Timeout | undefined
}

/** Groups looked at in one go: many groups are spread over the sweep, so that no client waits for a long one. */
const SLICE = 64
/** How often every group is looked at: few groups at once, many in slices, and less often for the processor's sake. */
const SWEEP_MS = { few: 250, many: 500 } as const
/** Content is offered when it stood still for so long: files that are being written are not taken. */
const SETTLE_MS = 100
/** Content that was not accepted is final when it stood still for so long: two files are written one after the other. */
const GRACE_MS = 500
/** Times of some file systems have steps of two seconds: a second change within one step leaves no trace in them. */
const COARSE_MS = 2_500

/**
 * Told of content that stands still. While `isFinal` is false it may refuse (return false) what it cannot use yet, and
 * is asked again after the grace; final content is taken as it is.
 */
export type ContentListener = (id: string, content: GroupContent, isFinal: boolean) => boolean

const fingerprint = ({ directory, files, given }: WatchedGroup): string => {
  const inMemory = given?.()
  if (inMemory) return `given ${inMemory.version}`
  if (directory === undefined) return 'nowhere'
  const found = files.map((file) => fingerprintOf(join(directory, file)))
  return found.every((one) => one === 'missing') ? `${fingerprintOf(directory) === 'missing'}` : found.join()
}

function read({ directory, files, given }: WatchedGroup): GroupContent {
  const inMemory = given?.()
  const entries = inMemory
    ? givenEntries(inMemory, files)
    : files.map((file): Entry => (directory === undefined ? { kind: 'missing' } : readEntry(join(directory, file))))
  const isNowhere = directory === undefined || isDirectoryMissing(directory)
  const isMissing = !inMemory && entries.every((entry) => entry.kind === 'missing') && isNowhere
  const hash = createHash('sha256').update(String(isMissing))
  for (const entry of entries) {
    hash.update(`\0${entry.kind}\0${entry.kind === 'unreadable' ? entry.problem : ''}\0`)
    if (entry.kind === 'bytes') hash.update(`${entry.bytes.length}\0`).update(entry.bytes)
  }
  return { isMissing, entries, hash: hash.digest('hex') }
}

/**
 * Watches the content of small files by looking at them: the one way that sees the kubelet's swap of `..data`, a
 * rename, a copy in place and a change on a network volume alike. What can be used is told within 0.7 s of a change.
 */
export class ContentWatch {
  readonly #listener: ContentListener
  readonly #watched = new Map<string, Watched>()
  #order: Watched[] = []
  #next = 0
  #timer: NodeJS.Timeout | undefined

  constructor(listener: ContentListener) {
    this.#listener = listener
  }

  /** Watches these groups and no others. Content of groups that are new is read at once; see {@link content}. */
  watch(groups: readonly WatchedGroup[]): void {
    const wanted = new Set(groups.map((group) => group.id))
    for (const [id, watched] of this.#watched)
      if (!wanted.has(id)) {
        clearTimeout(watched.timer)
        this.#watched.delete(id)
      }
    for (const group of groups)
      if (!this.#watched.has(group.id))
        this.#watched.set(group.id, {
          group,
          fingerprint: fingerprint(group),
          content: read(group),
          pending: undefined,
          readUntil: performance.now() + COARSE_MS,
          timer: undefined,
        })
    this.#order = [...this.#watched.values()]
    this.#next = 0
    this.#schedule()
  }

  /** What a group holds, as far as it was told; undefined when it is not watched. */
  content(id: string): GroupContent | undefined {
    return this.#watched.get(id)?.content
  }

  /** Reads every group, or those of `ids`, whatever its times say, and resolves when all that changed was told. */
  async refresh(ids?: ReadonlySet<string>): Promise<void> {
    const all = this.#order.filter(({ group }) => ids === undefined || ids.has(group.id))
    for (const [index, watched] of all.entries()) {
      this.#look(watched, true)
      if (index % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve))
    }
    const end = performance.now() + 2 * GRACE_MS
    while (all.some((watched) => watched.pending && this.#watched.has(watched.group.id)) && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS / 2))
  }

  /** Ends watching. */
  close(): void {
    clearTimeout(this.#timer)
    for (const watched of this.#watched.values()) clearTimeout(watched.timer)
    this.#watched.clear()
    this.#order = []
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#order.length === 0) return
    const slices = Math.ceil(this.#order.length / SLICE)
    const interval = slices > 2 ? SWEEP_MS.many : SWEEP_MS.few
    this.#timer = setTimeout(() => this.#sweep(), interval / slices).unref()
  }

  #sweep(): void {
    if (this.#next >= this.#order.length) this.#next = 0
    const slice = this.#order.slice(this.#next, this.#next + SLICE)
    this.#next += SLICE
    for (const watched of slice) if (!watched.pending) this.#look(watched, false)
    this.#schedule()
  }

  #look(watched: Watched, always: boolean): void {
    const now = performance.now()
    const seen = fingerprint(watched.group)
    const hasChanged = seen !== watched.fingerprint
    if (!hasChanged && !always && !watched.pending && now > watched.readUntil) return
    if (hasChanged) {
      watched.fingerprint = seen
      watched.readUntil = now + COARSE_MS
    }
    const content = read(watched.group)
    if (content.hash === watched.content.hash) {
      watched.pending = undefined
      return
    }
    // A swap in the middle of reading leaves files of two versions: they count from the next look on.
    const isTorn = fingerprint(watched.group) !== seen
    if (isTorn || watched.pending?.content.hash !== content.hash) {
      watched.pending = { content, since: now, isOffered: false }
      this.#lookAgain(watched, SETTLE_MS)
      return
    }
    this.#settle(watched, watched.pending, now)
  }

  #settle(watched: Watched, pending: Pending, now: number): void {
    const age = now - pending.since
    const isFinal = age >= GRACE_MS
    const isDue = isFinal || (age >= SETTLE_MS && !pending.isOffered)
    if (isDue && (this.#listener(watched.group.id, pending.content, isFinal) || isFinal)) {
      watched.content = pending.content
      watched.pending = undefined
      return
    }
    if (isDue) pending.isOffered = true
    this.#lookAgain(watched, pending.isOffered ? GRACE_MS - age : SETTLE_MS - age)
  }

  #lookAgain(watched: Watched, delay: number): void {
    clearTimeout(watched.timer)
    // While content is pending it is looked at often, so that a further change starts its time anew.
    const wait = Math.min(Math.max(delay, 1), SETTLE_MS)
    watched.timer = setTimeout(() => this.#look(watched, true), wait).unref()
  }
}
