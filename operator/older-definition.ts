import type { SocketServerStatus } from '../crds/index.ts'
import type { Clock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'
import { ApiError } from './kube/api-error.ts'

/** So long a field is left out before it is tried again: the definition may have been brought up to date. */
const FORGET_MS = 600_000
/** Without these nothing is reported. */
const NEEDED = new Set(['conditions', 'observedGeneration'])

/** The fields of `status` that a refusal is about. */
function fieldsOf(error: unknown): string[] {
  if (!(error instanceof ApiError)) return []
  const undeclared = [...error.message.matchAll(/\.status\.(\w+)[^:]*: field not declared in schema/g)]
  const invalid =
    error.status === 422 ? error.causes.flatMap(({ field = '' }) => /^status\.(\w+)/.exec(field)?.slice(1) ?? []) : []
  return [...new Set([...undeclared.map(([, field = '']) => field), ...invalid])]
}

/**
 * Knows what of a status the definition in the cluster has no room for, because it is older than this operator: what is left
 * is reported all the same, and that something is missing is told with the cure.
 */
export class OlderDefinition {
  readonly #clock: Clock
  readonly #log: Log
  /** Field to the time until which it is left out. */
  readonly #missing = new Map<string, number>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Takes a refusal of a status: what it is about is left out from now on. */
  learn(error: unknown): void {
    for (const field of fieldsOf(error)) {
      if (NEEDED.has(field)) continue
      if (!this.#missing.has(field))
        this.#log('warn', 'the definition in the cluster is older than this operator: install that of this release', {
          missing: `status.${field}`,
          error: (error as Error).message,
        })
      this.#missing.set(field, this.#clock.now() + FORGET_MS)
    }
  }

  /** As much of a status as the definition takes, as far as is known. */
  fit(status: Partial<SocketServerStatus>): Partial<SocketServerStatus> {
    const now = this.#clock.now()
    // Sorted, since the API server tells them in any order, and another order would be another status to write.
    const missing = [...this.#missing]
      .filter(([, until]) => until > now)
      .map(([field]) => field)
      .sort()
    if (missing.length === 0) return status
    const known = Object.fromEntries(Object.entries(status).filter(([field]) => !missing.includes(field)))
    const fields = missing.map((field) => `status.${field}`).join(', ')
    const told = `the definition in the cluster is older than this operator and does not take ${fields}: install that of this release`
    const conditions = status.conditions?.map((one) =>
      one.type === 'Accepted' ? { ...one, message: `${one.message}; ${told}` } : one,
    )
    return { ...known, ...(conditions === undefined ? {} : { conditions }) }
  }
}
