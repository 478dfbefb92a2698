import { stat } from 'node:fs/promises'
import { configHash, type Problem, type SocketServer } from '../../../crds/index.ts'
import { SocketServerError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { InvalidManifestError } from './invalid-manifest-error.ts'
import { readManifestFile, resolveManifestPath } from './load.ts'
import { type SelectedManifest, selectManifest } from './select.ts'

/** Milliseconds between two looks: at what stands still, and at what has just changed. */
const LOOK_MS = { still: 100, moving: 25 } as const
/** A manifest is judged when it stood still for so long: half of one, written in place, may be valid by chance. */
const SETTLE_MS = 50
/** One that cannot be used, or is gone, is refused when it stood still for so long: the rest of it may be on its way. */
const GRACE_MS = 500
/** Times of some file systems have steps of two seconds: a second change within one step leaves no trace in them. */
const COARSE_MS = 2_500
/** Milliseconds after which a manifest that could not be put into service is tried again: its port may be free by then. */
const RETRY_MS = 5_000

/** What is watched, and who is told. */
export interface ManifestWatchOptions {
  /** As the person gave it: a file, or a directory with one manifest in it, as a ConfigMap is mounted. */
  readonly path: string
  /** The text that was taken at the start, and the manifest it holds. */
  readonly text: string
  readonly manifest: SocketServer
  /** Puts a checked manifest into service. A rejection is a refusal: what ran goes on. */
  readonly apply: (manifest: SocketServer) => Promise<void>
  /** Called after each manifest that was taken, and each that was refused. */
  readonly judged?: (outcome: 'accepted' | 'refused') => void
  readonly log: Log
}

/** What lies on disk. */
interface Seen {
  /** Equal when the same lies there. */
  readonly key: string
  /** @throws what makes it unusable. */
  readonly select: (name: string) => SelectedManifest
}

/**
 * Keeps the manifest in service that lies on disk. What comes is checked whole before anything changes; what cannot be
 * used is told once, and what ran goes on until it heals.
 *
 * Invariants: one look at a time; what was judged is not judged again, save what failed to be applied.
 */
export class ManifestWatch {
  readonly #options: ManifestWatchOptions
  #running: SocketServer
  /** The times of the file at the last look, and until when it is read although they are the same. */
  #stamp = ''
  #readUntil = 0
  /** What the last verdict was about. */
  #judged: string
  /** What waits for its verdict, and since when it stands still. */
  #pending: { readonly key: string; readonly since: number } | undefined = undefined
  #problem: string | undefined = undefined
  #retryAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined = undefined
  #isClosed = false

  constructor(options: ManifestWatchOptions) {
    this.#options = options
    this.#running = options.manifest
    this.#judged = textKey(options.text)
    this.#lookLater()
  }

  /** The manifest in service. */
  get running(): SocketServer {
    return this.#running
  }

  /** Why what runs is not what lies on disk; undefined while it is. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Looks soon, whatever the times of the file say, and tries again what failed to be applied. */
  recheck(): void {
    this.#stamp = ''
    if (this.#retryAt !== Number.POSITIVE_INFINITY) this.#retryAt = 0
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #lookLater(): void {
    if (this.#isClosed) return
    const wait = this.#pending ? LOOK_MS.moving : LOOK_MS.still
    this.#timer = setTimeout(() => void this.#look().then(() => this.#lookLater()), wait)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const isRetry = performance.now() >= this.#retryAt
    const seen = await this.#see(isRetry || this.#pending !== undefined)
    if (seen === undefined || this.#isClosed) return
    if (seen.key === this.#judged && !isRetry) {
      this.#pending = undefined
      return
    }
    if (this.#pending?.key !== seen.key && seen.key !== this.#judged) {
      this.#pending = { key: seen.key, since: performance.now() }
      return
    }
    const age = isRetry && seen.key === this.#judged ? GRACE_MS : performance.now() - (this.#pending?.since ?? 0)
    if (age < SETTLE_MS) return
    try {
      const selected = this.#select(seen)
      this.#pending = undefined
      await this.#take(seen.key, selected)
    } catch (error) {
      if (age < GRACE_MS) return
      this.#pending = undefined
      this.#refuse(seen.key, error)
    }
  }

  /** What lies there now; undefined when it need not be read. */
  async #see(always: boolean): Promise<Seen | undefined> {
    try {
      // The directory is resolved each time: the kubelet swaps what is behind its links.
      const path = await resolveManifestPath(this.#options.path)
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      const stamp = `${path} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
      const now = performance.now()
      if (stamp !== this.#stamp) this.#readUntil = now + COARSE_MS
      else if (!always && now > this.#readUntil) return undefined
      const file = await readManifestFile(path)
      this.#stamp = stamp
      return { key: textKey(file.text), select: (name) => selectManifest(file, name) }
    } catch (error) {
      this.#stamp = ''
      return {
        key: `error ${(error as Error).message}`,
        select() {
          throw error
        },
      }
    }
  }

  #select(seen: Seen): SelectedManifest {
    const { name, namespace } = this.#running.metadata
    const selected = seen.select(namespace === undefined ? name : `${namespace}/${name}`)
    if (selected.manifest.metadata.namespace === namespace) return selected
    throw new SocketServerError('SS_CONFIG_INVALID', `the SocketServer "${name}" moved to another namespace`, {
      hint: 'a process serves one SocketServer; start another for the other',
    })
  }

  async #take(key: string, { manifest, warnings }: SelectedManifest): Promise<void> {
    try {
      if (configHash(manifest) !== configHash(this.#running)) await this.#options.apply(manifest)
    } catch (error) {
      this.#refuse(key, error)
      this.#retryAt = performance.now() + RETRY_MS
      return
    }
    if (this.#isClosed) return
    this.#judged = key
    this.#running = manifest
    this.#problem = undefined
    this.#retryAt = Number.POSITIVE_INFINITY
    const { log } = this.#options
    log('info', 'manifest accepted', {
      generation: manifest.metadata.generation,
      configHash: configHash(manifest),
    })
    this.#logProblems('warn', 'manifest', warnings)
    this.#options.judged?.('accepted')
  }

  #refuse(key: string, error: unknown): void {
    const what = reasonOf(error)
    const problem = `the configuration on disk is not usable: ${what}`
    const isKnown = this.#problem === problem && this.#judged === key
    this.#judged = key
    this.#problem = problem
    this.#retryAt = Number.POSITIVE_INFINITY
    if (isKnown) return
    const cure = error instanceof SocketServerError ? error.hint : undefined
    this.#options.log('error', 'manifest refused', { error: what, cure })
    if (error instanceof InvalidManifestError) this.#logProblems('error', 'manifest problem', error.problems)
    this.#options.judged?.('refused')
  }

  #logProblems(level: 'warn' | 'error', text: string, problems: readonly Problem[]): void {
    for (const { rule, path, value, message, cure } of problems)
      this.#options.log(level, text, { rule, field: path, value, detail: message, cure })
  }
}

const textKey = (text: string) => `text ${text}`

/** Why a manifest cannot be used, with the first of its problems: who asks `/readyz` has no log at hand. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [first] = error instanceof InvalidManifestError ? error.problems : []
  return first === undefined
    ? error.message
    : `${error.message}: ${first.path === '' ? '' : `${first.path}: `}${first.message}`
}
