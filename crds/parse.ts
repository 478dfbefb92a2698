import type { Problem } from './problem.ts'
import { read } from './read-value.ts'
import { judge, type Reading } from './reading.ts'
import { shapeOf } from './shape.ts'
import { type SocketServer, socketServerSchema } from './v1alpha1/socket-server.ts'

/** Either a resource with every default applied, deeply frozen, or all its problems. */
export type ParseResult =
  | { readonly ok: true; readonly value: SocketServer; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] }

/**
 * Reads one resource that is already an object: what the API server or a YAML reader gave. Never throws on JSON values.
 * A null field counts as absent, as the API server has it.
 */
export function parseObject(root: unknown): ParseResult {
  const reading: Reading = {
    root,
    problems: [],
    warnings: [],
    pending: [],
    lost: new Set(),
    suggestions: 0,
    dropped: 0,
  }
  const value = read(reading, shapeOf(socketServerSchema), root, [])
  for (const { rule, value, path } of reading.pending) rule.check(value, (breach) => judge(reading, rule, path, breach))
  const { problems, warnings } = reading
  if (reading.dropped > 0)
    problems.push({
      rule: 'more-problems',
      path: '',
      value: '',
      message: `${reading.dropped} more problems are not listed`,
      cure: 'solve those listed first',
    })
  for (const list of [problems, warnings]) Object.freeze(list)
  if (problems.length > 0) return Object.freeze({ ok: false, problems, warnings })
  return Object.freeze({ ok: true, value: value as SocketServer, warnings })
}
