import { createReadStream, existsSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { AuditEvent } from '../../support/control-plane/control-plane.ts'
import type { Calls } from './measures.ts'

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])

/** Calls by what was asked. */
export type CallCounts = ReadonlyMap<string, number>

/** What a call is counted as, for example `patch socketservers/status`; undefined: it is not for any SocketServer. */
export function kindOfCall({ verb, objectRef }: Pick<AuditEvent, 'verb' | 'objectRef'>): string | undefined {
  const { resource, subresource } = objectRef ?? {}
  if (resource === undefined || resource === 'leases' || verb === 'watch' || verb === 'list') return undefined
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`
}

const sum = (counts: CallCounts, isCounted: (what: string) => boolean): number =>
  [...counts].reduce((all, [what, count]) => all + (isCounted(what) ? count : 0), 0)

/** Calls altogether. */
export const callsOf = (counts: CallCounts): number => sum(counts, () => true)

/** Those of them that write. */
export const writesOf = (counts: CallCounts): number => sum(counts, (what) => WRITES.has(what.split(' ', 1)[0] ?? ''))

/** Each count for one of so many. */
export const callsEach = (counts: CallCounts, count: number): Calls =>
  Object.fromEntries([...counts].map(([what, calls]) => [what, calls / count]))

/** Reads an audit log that grows. */
export class AuditTail {
  readonly #file: string
  #offset = 0

  constructor(file: string) {
    this.#file = file
  }

  /** What was called since the last time; objects whose name begins with `except` are left out. */
  async counts(except: string): Promise<CallCounts> {
    const counts = new Map<string, number>()
    if (!existsSync(this.#file)) return counts
    const end = statSync(this.#file).size
    if (end === this.#offset) return counts
    const input = createReadStream(this.#file, { start: this.#offset, end: end - 1 })
    this.#offset = end
    for await (const line of createInterface({ input })) {
      // The last line may be under way when nothing is quiet.
      if (!line.endsWith('}')) continue
      const event = JSON.parse(line) as AuditEvent
      const what = kindOfCall(event)
      if (what !== undefined && event.objectRef?.name?.startsWith(except) !== true)
        counts.set(what, (counts.get(what) ?? 0) + 1)
    }
    return counts
  }
}
