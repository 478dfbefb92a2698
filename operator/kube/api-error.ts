/** One cause within a refusal. */
export interface RefusalCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** The body of a refusal (`v1.Status`), as far as it is read. */
export interface RefusalStatus {
  readonly message?: string
  readonly reason?: string
  readonly code?: number
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly RefusalCause[] }
}

/** The API server answered, and refused. Match on `status` and `reason`. */
export class ApiError extends Error {
  /** HTTP status code. */
  readonly status: number
  /** Machine-readable, for example `Conflict` or `Expired`; empty when the answer had none. */
  readonly reason: string
  readonly causes: readonly RefusalCause[]
  /** Milliseconds the server asked to wait; undefined when it asked for nothing. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, body: RefusalStatus, retryAfterMs?: number) {
    super(body.message ?? `the API server answered ${status}`)
    this.name = 'ApiError'
    this.status = status
    this.reason = body.reason ?? ''
    this.causes = body.details?.causes ?? []
    const asked = body.details?.retryAfterSeconds
    this.retryAfterMs = retryAfterMs ?? (asked === undefined ? undefined : asked * 1000)
  }
}

/** Whether the error is a refusal with that status code. */
export const isRefusal = (error: unknown, status: number): error is ApiError =>
  error instanceof ApiError && error.status === status

/** Whether the same request may succeed later without anybody doing anything: the server is busy, broken or away. */
export const isTransient = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.status === 429 || error.status >= 500 || error.status === 401

/** The body of a refusal, whatever came. */
export const refusalOf = (text: string): RefusalStatus => {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null) return body as RefusalStatus
  } catch {
    // A proxy in between answers with text or HTML.
  }
  return { message: text.slice(0, 300) }
}
