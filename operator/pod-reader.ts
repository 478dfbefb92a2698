import { Agent, get } from 'node:http'
import type { Clock } from '../sidecar/base/clock.ts'
import { Places } from './queue/places.ts'
import type { EngineReport } from './reconcile/facts.ts'
import { readReport } from './reconcile/read-report.ts'
import type { TrimmedPod } from './trim.ts'

/** What a pod told, or why it told nothing. */
export type PodAnswer = EngineReport | { readonly unread: string }

const TIMEOUT_MS = 2_500
const MOST_BYTES = 8 * 1024 * 1024
/** Pods asked at a time, over all SocketServers; and of those that did not answer in time before. */
const PARALLEL = { prompt: 64, mute: 32 } as const

/** The pod did not answer in time. */
class MuteError extends Error {}

interface Told {
  readonly answer: PodAnswer
  readonly isMute: boolean
}

const addressOf = ({ ip, adminPort }: TrimmedPod) => `${ip} ${adminPort}`

/**
 * Asks engines for their state: a bounded number at a time, each within a bounded time and size. A pod that did not answer in
 * time is asked on in the background, so that nobody waits for it again: where a network lets nothing through to thousands of
 * pods, changes would else wait for each of them.
 */
export class PodReader {
  readonly #clock: Clock
  /** Answers of late, the oldest first: thousands of them are not kept for the few that are asked for again. */
  readonly #known = new Map<string, { readonly at: number; readonly address: string; readonly answer: PodAnswer }>()
  /** Pods that did not answer in time when they were asked last. */
  readonly #mute = new Map<string, { readonly address: string; readonly answer: PodAnswer }>()
  /** Pods that are being asked, with the turn whose answer counts. */
  readonly #asking = new Map<string, symbol>()
  readonly #prompts = new Places(PARALLEL.prompt)
  readonly #mutes = new Places(PARALLEL.mute)
  readonly #heard: (key: string) => void

  /** `heard` is called with `namespace/name` of a SocketServer when a pod of it that did not answer in time answers. */
  constructor(clock: Clock, heard: (key: string) => void = () => {}) {
    this.#clock = clock
    this.#heard = heard
  }

  /** What the pod told within the last `freshMs`, where it is now: what it tells since is not known. */
  remembered(pod: TrimmedPod, freshMs: number): PodAnswer | undefined {
    const known = this.#known.get(pod.metadata.uid ?? '')
    const isFresh = known?.address === addressOf(pod) && this.#clock.now() - known.at < freshMs
    return isFresh ? known.answer : undefined
  }

  /** Asks the pod, unless it was asked within the last `freshMs`. Never throws. */
  async read(pod: TrimmedPod, server: string, freshMs: number): Promise<PodAnswer> {
    const { uid = '' } = pod.metadata
    this.#drop(freshMs)
    const known = this.remembered(pod, freshMs)
    if (known !== undefined) return known
    const mute = this.#mute.get(uid)
    if (mute?.address === addressOf(pod)) {
      void this.#askOn(pod, server)
      return mute.answer
    }
    return (await this.#askAndKeep(pod, server, this.#prompts)).answer
  }

  async #askOn(pod: TrimmedPod, server: string): Promise<void> {
    const { uid = '', namespace = '' } = pod.metadata
    if (this.#asking.has(uid)) return
    const { isMute } = await this.#askAndKeep(pod, server, this.#mutes)
    if (!isMute) this.#heard(`${namespace}/${server}`)
  }

  async #askAndKeep(pod: TrimmedPod, server: string, places: Places): Promise<Told> {
    const { uid = '', namespace = '' } = pod.metadata
    const [turn, address] = [Symbol(uid), addressOf(pod)]
    this.#asking.set(uid, turn)
    const told = await places.use(() => this.#ask(pod, server, namespace))
    // The pod is gone, or was asked anew.
    if (this.#asking.get(uid) !== turn) return told
    this.#asking.delete(uid)
    this.#known.delete(uid)
    if (told.isMute) this.#mute.set(uid, { address, answer: told.answer })
    else {
      this.#mute.delete(uid)
      this.#known.set(uid, { at: this.#clock.now(), address, answer: told.answer })
    }
    return told
  }

  /** Answers that are kept. */
  get kept(): number {
    return this.#known.size
  }

  /** The pod is gone. */
  forget(uid: string): void {
    this.#known.delete(uid)
    this.#mute.delete(uid)
    this.#asking.delete(uid)
  }

  /** Forgets what is older than that. A clock that is set back makes nothing fresh. */
  #drop(freshMs: number): void {
    const now = this.#clock.now()
    for (const [uid, { at }] of this.#known) {
      if (now - at < freshMs && now >= at) return
      this.#known.delete(uid)
    }
  }

  async #ask({ ip, adminPort }: TrimmedPod, server: string, namespace: string): Promise<Told> {
    if (adminPort === 0) return { answer: { unread: 'it has no port named "admin"' }, isMute: false }
    try {
      const answer = readReport(JSON.parse(await fetchText(ip, adminPort)), server, namespace)
      return { answer, isMute: false }
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException
      return { answer: { unread: message || code || 'it does not answer' }, isMute: error instanceof MuteError }
    }
  }
}

/** A connection for each question: engines are asked about once a minute. */
const agent = new Agent({ keepAlive: false })

/** The body of `/status`. */
const fetchText = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', connection: 'close' }
    const request = get({ host, port, path: '/status', agent, headers }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MOST_BYTES) request.destroy(new Error(`its answer has more than ${MOST_BYTES} bytes`))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'))
        else reject(new Error(`it answers ${response.statusCode} on port ${port}`))
      })
    })
    // A timer that ends with the answer: a signal of the platform would outlive thousands of answers.
    const timer = setTimeout(() => {
      reject(new MuteError(`no whole answer on port ${port} within ${TIMEOUT_MS / 1000} s`))
      request.destroy()
    }, TIMEOUT_MS)
    request.on('error', reject)
    request.on('close', () => clearTimeout(timer))
  })
