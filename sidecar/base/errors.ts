type Entry = { readonly summary: string; readonly exitCode: 1 | 2 | 3 }

/**
 * Every failure the command reports, once. Codes are public: never renamed, never reused.
 * `exitCode`: 1 a check found problems or the server failed, 2 wrong usage, unreadable input or no engine
 * that answers, 3 could not listen.
 */
export const CATALOGUE = {
  SS_USAGE: { summary: 'Cannot run the command', exitCode: 2 },
  SS_INPUT_UNREADABLE: { summary: 'Cannot read the input', exitCode: 2 },
  SS_CONFIG_INVALID: { summary: 'Cannot use the manifest', exitCode: 1 },
  SS_CERTIFICATE_INVALID: { summary: 'Cannot use the certificate', exitCode: 1 },
  SS_CANNOT_LISTEN: { summary: 'Cannot listen', exitCode: 3 },
  SS_ENGINE_UNREACHABLE: { summary: 'Cannot reach the engine', exitCode: 2 },
  SS_FAILED: { summary: 'Cannot go on', exitCode: 1 },
} as const satisfies Record<string, Entry>

/** The stable name of a failure; match on it, never on the text. */
export type ErrorCode = keyof typeof CATALOGUE

/** A failure outside this program, told in the form: what cannot be done, what is found, and (as hint) the cure. */
export class SocketServerError extends Error {
  /** Which failure it is. */
  readonly code: ErrorCode
  /** What to do about it; printed on a line of its own. */
  readonly hint: string | undefined

  constructor(code: ErrorCode, detail: string, options: { hint?: string; cause?: unknown } = {}) {
    super(`${CATALOGUE[code].summary}: ${detail}`, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'SocketServerError'
    this.code = code
    this.hint = options.hint
  }

  /** The exit code of the command that ends with this failure. */
  get exitCode(): 1 | 2 | 3 {
    return CATALOGUE[this.code].exitCode
  }
}
