import { stat } from 'node:fs/promises'
import type { SocketServer } from '../../../crds/index.ts'
import type { Log } from '../../base/log.ts'
import { configHash } from '../identity.ts'
import { readManifestFile, resolveManifestPath } from './load.ts'
import { InvalidManifestError, selectManifest } from './select.ts'

/** Milliseconds between two looks at the manifest. */
const LOOK_MS = 300
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

/**
 * Keeps the manifest in service that lies on disk. What comes is checked whole before anything changes; what cannot be
 * used is told once, and what ran goes on until it heals.
 *
 * Invariants: one look at a time; a text that was judged is not judged again, save one that failed to be applied.
 */
export class ManifestWatch {
  readonly #options: ManifestWatchOptions
  #running: SocketServer
  #stamp = ''
  /** The text behind the last verdict. */
  #judged: string
  /** A text that is not usable, seen once: it may be half written. */
  #suspect: string | undefined = undefined
  #problem: string | undefined = undefined
  #retryAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined = undefined
  #isClosed = false

  constructor(options: ManifestWatchOptions) {
    this.#options = options
    this.#running = options.manifest
    this.#judged = options.text
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
    try {
      // The directory is resolved each time: the kubelet swaps what is behind its links.
      const path = await resolveManifestPath(this.#options.path)
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      const stamp = `${path} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
      const isRetry = performance.now() >= this.#retryAt
      if (stamp === this.#stamp && this.#suspect === undefined && !isRetry) return
      const { text } = await readManifestFile(path)
      this.#stamp = stamp
      if (text === this.#judged && !isRetry) this.#suspect = undefined
      else await this.#judge(path, text)
    } catch (error) {
      this.#refuse('', error)
    }
  }

  async #judge(path: string, text: string): Promise<void> {
    let manifest: SocketServer
    try {
      manifest = selectManifest({ path, text }, this.#running.metadata.name).manifest
    } catch (error) {
      if (this.#suspect !== text) {
        this.#suspect = text
        return
      }
      this.#refuse(text, error)
      return
    }
    this.#suspect = undefined
    try {
      if (configHash(manifest) !== configHash(this.#running)) await this.#options.apply(manifest)
    } catch (error) {
      this.#refuse(text, error)
      this.#retryAt = performance.now() + RETRY_MS
      return
    }
    this.#judged = text
    this.#running = manifest
    this.#problem = undefined
    this.#retryAt = Number.POSITIVE_INFINITY
    this.#options.log('info', 'manifest accepted', {
      generation: manifest.metadata.generation,
      configHash: configHash(manifest),
    })
    this.#options.judged?.('accepted')
  }

  #refuse(text: string, error: unknown): void {
    const what = error instanceof Error ? error.message : String(error)
    const problem = `the configuration on disk is not usable: ${what}`
    const isKnown = this.#problem === problem && this.#judged === text
    this.#judged = text
    this.#suspect = undefined
    this.#problem = problem
    this.#retryAt = Number.POSITIVE_INFINITY
    if (isKnown) return
    this.#options.log('error', 'manifest refused', { error: what })
    if (error instanceof InvalidManifestError)
      for (const { rule, path, value, message, cure } of error.problems)
        this.#options.log('error', 'manifest problem', { rule, path, value, detail: message, cure })
    this.#options.judged?.('refused')
  }
}
