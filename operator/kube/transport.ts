import type { Dispatcher } from 'undici'
import type { Clock } from '../../sidecar/base/clock.ts'
import { ApiError, refusalOf } from './api-error.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import { withDeadline } from './deadline.ts'
import { createDispatcher } from './dispatcher.ts'
import { gentleAbort } from './gentle-abort.ts'
import { linesOf } from './lines.ts'

/** One call of the API. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly body?: unknown
  readonly accept?: string
  /** Milliseconds from the call to the end of its answer, 15 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Told of each call when its answer has begun, or it failed. */
export interface RequestRecord {
  readonly method: string
  /** Status code, or `<error>` when there was no answer. */
  readonly code: string
  readonly seconds: number
}

/** What a transport is made of. */
export interface TransportOptions {
  readonly source: CredentialSource
  readonly clock: Clock
  readonly userAgent: string
  readonly observe?: (record: RequestRecord) => void
}

/** Credentials older than this are read again before they are used. */
const FRESH_MS = 10_000
const TIMEOUT_MS = 15_000
/** What the answer to one call may hold: a page of large objects. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024

interface Line {
  readonly credentials: Credentials
  readonly dispatcher: Dispatcher
  readonly tls: string
  readonly at: number
}

/**
 * The way to the API server: HTTP/2 on one connection where the server offers it. Credentials are read again while it is
 * used, and the connection is made anew when they change what TLS needs.
 */
export class Transport {
  readonly #options: TransportOptions
  #line: Line | undefined
  #reading: Promise<Line> | undefined
  #closed = false

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /** The credentials in use. */
  async credentials(): Promise<Credentials> {
    return (await this.#current()).credentials
  }

  /**
   * Calls the API and reads the whole answer as JSON.
   *
   * @throws ApiError when it is refused
   */
  async request(request: ApiRequest): Promise<unknown> {
    return await withDeadline(request.timeoutMs ?? TIMEOUT_MS, request.signal, async (signal) => {
      const response = await this.#send(request, signal)
      const text = await response.body.text()
      return text === '' ? undefined : JSON.parse(text)
    })
  }

  /**
   * Calls the API and reads its answer line by line, each a JSON value, for as long as the server sends. `timeoutMs` limits
   * the milliseconds until the answer begins; `began` is called then.
   *
   * @throws ApiError when it is refused
   */
  async *stream(
    request: ApiRequest & { readonly signal: AbortSignal; readonly began?: () => void },
  ): AsyncGenerator<unknown> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error('no answer in time')), request.timeoutMs ?? TIMEOUT_MS)
    try {
      const response = await this.#send(request, AbortSignal.any([late.signal, request.signal]))
      clearTimeout(timer)
      request.began?.()
      for await (const line of linesOf(response.body)) yield JSON.parse(line)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends every call. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#line?.dispatcher.destroy()
  }

  async #send(request: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const response = await this.#attempt(request, signal)
    // The token may have been renewed since it was read.
    if (response.statusCode !== 401) return await this.#accepted(response)
    await response.body.dump()
    const before = this.#line?.credentials.headers['authorization']
    this.#line = this.#line && { ...this.#line, at: Number.NEGATIVE_INFINITY }
    const { credentials } = await this.#current()
    if (credentials.headers['authorization'] === before)
      throw new ApiError(401, { message: 'the API server does not accept the credentials', reason: 'Unauthorized' })
    return await this.#accepted(await this.#attempt(request, signal))
  }

  async #attempt(request: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { clock, observe, userAgent } = this.#options
    const { credentials, dispatcher } = await this.#current()
    const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query)}`
    const { pathname, origin } = new URL(credentials.server)
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const from = clock.now()
    const record = (code: string) => observe?.({ method: request.method, code, seconds: (clock.now() - from) / 1000 })
    try {
      const response = await dispatcher.request({
        origin,
        path: `${pathname.replace(/\/$/, '')}${request.path}${query}`,
        method: request.method,
        headers: {
          accept: request.accept ?? 'application/json',
          'user-agent': userAgent,
          ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
          ...credentials.headers,
        },
        ...(body === undefined ? {} : { body }),
        signal: gentleAbort(signal),
      })
      record(String(response.statusCode))
      return response
    } catch (error) {
      record('<error>')
      throw error
    }
  }

  async #accepted(response: Dispatcher.ResponseData): Promise<Dispatcher.ResponseData> {
    const { statusCode, headers, body } = response
    if (Number(headers['content-length'] ?? 0) > MAX_ANSWER_BYTES) {
      body.destroy()
      throw new Error(`the answer holds more than ${MAX_ANSWER_BYTES} bytes`)
    }
    if (statusCode < 300) return response
    const retryAfter = Number(headers['retry-after'])
    throw new ApiError(
      statusCode,
      refusalOf(await body.text()),
      Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : undefined,
    )
  }

  #current(): Promise<Line> | Line {
    if (this.#closed) throw new Error('the transport is closed')
    if (this.#line !== undefined && this.#options.clock.now() - this.#line.at < FRESH_MS) return this.#line
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<Line> {
    const before = this.#line
    let credentials: Credentials
    try {
      credentials = await this.#options.source()
    } catch (error) {
      // Files that are being replaced: what was good a moment ago is tried on.
      if (before === undefined) throw error
      credentials = before.credentials
    }
    const tls = JSON.stringify([credentials.server, credentials.tls, credentials.proxy])
    const isSame = before?.tls === tls
    // Watches that run on the old connection end by themselves within minutes.
    if (!isSame) void before?.dispatcher.close().catch(() => {})
    const dispatcher = isSame ? before.dispatcher : createDispatcher(credentials)
    this.#line = { credentials, tls, dispatcher, at: this.#options.clock.now() }
    return this.#line
  }
}
