import { get } from 'node:http'
import type { Clock } from '../sidecar/base/clock.ts'
import type { EngineReport } from './reconcile/facts.ts'
import { readReport } from './reconcile/read-report.ts'
import type { TrimmedPod } from './trim.ts'

/** What a pod told, or why it told nothing. */
export type PodAnswer = EngineReport | { readonly unread: string }

const TIMEOUT_MS = 2_500
const MOST_BYTES = 8 * 1024 * 1024
/** Pods asked at a time, over all SocketServers. */
const PARALLEL = 64

const addressOf = ({ ip, adminPort }: TrimmedPod) => `${ip} ${adminPort}`

/** Asks engines for their state: a bounded number at a time, each within a bounded time and size. */
export class PodReader {
  readonly #clock: Clock
  /** Answers of late, the oldest first: thousands of them are not kept for the few that are asked for again. */
  readonly #known = new Map<string, { readonly at: number; readonly address: string; readonly answer: PodAnswer }>()
  readonly #waiting: (() => void)[] = []
  #asked = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What the pod told within the last `freshMs`, where it is now: what it tells since is not known. */
  remembered(pod: TrimmedPod, freshMs: number): PodAnswer | undefined {
    const known = this.#known.get(pod.metadata.uid ?? '')
    const isFresh = known?.address === addressOf(pod) && this.#clock.now() - known.at < freshMs
    return isFresh ? known.answer : undefined
  }

  /** Asks the pod, unless it was asked within the last `freshMs`. Never throws. */
  async read(pod: TrimmedPod, server: string, freshMs: number): Promise<PodAnswer> {
    const { uid = '', namespace = '' } = pod.metadata
    this.#drop(freshMs)
    const known = this.remembered(pod, freshMs)
    if (known !== undefined) return known
    if (this.#asked >= PARALLEL) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#asked += 1
    try {
      const answer = await this.#ask(pod, server, namespace)
      this.#known.delete(uid)
      this.#known.set(uid, { at: this.#clock.now(), address: addressOf(pod), answer })
      return answer
    } finally {
      this.#asked -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Answers that are kept. */
  get kept(): number {
    return this.#known.size
  }

  /** The pod is gone. */
  forget(uid: string): void {
    this.#known.delete(uid)
  }

  /** Forgets what is older than that. A clock that is set back makes nothing fresh. */
  #drop(freshMs: number): void {
    const now = this.#clock.now()
    for (const [uid, { at }] of this.#known) {
      if (now - at < freshMs && now >= at) return
      this.#known.delete(uid)
    }
  }

  async #ask({ ip, adminPort }: TrimmedPod, server: string, namespace: string): Promise<PodAnswer> {
    if (adminPort === 0) return { unread: 'it has no port named "admin"' }
    try {
      return readReport(JSON.parse(await fetchText(ip, adminPort)), server, namespace)
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException
      return { unread: message || code || 'it does not answer' }
    }
  }
}

/** The body of `/status`. */
const fetchText = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const late = () => reject(new Error(`no whole answer on port ${port} within ${TIMEOUT_MS / 1000} s`))
    const request = get(
      {
        host,
        port,
        path: '/status',
        signal,
        agent: false,
        headers: { accept: 'application/json', connection: 'close' },
      },
      (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MOST_BYTES) request.destroy(new Error(`its answer has more than ${MOST_BYTES} bytes`))
          else chunks.push(chunk)
        })
        response.on('error', (error) => (signal.aborted ? late() : reject(error)))
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'))
          else reject(new Error(`it answers ${response.statusCode} on port ${port}`))
        })
      },
    )
    request.on('error', (error) => (signal.aborted ? late() : reject(error)))
  })
