import { nearest } from '../../../crds/nearest.ts'
import type { ClientFilter } from './client-filter.ts'
import { ControlError, type ControlTarget } from './control-target.ts'

/** A request as it came, its body parsed. */
export interface ControlRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Undefined when there is none. */
  readonly body: unknown
}

interface Verb {
  readonly method: 'GET' | 'POST'
  /** Fields of the query that it knows. */
  readonly query: readonly string[]
  run(target: ControlTarget, query: ReadonlyMap<string, string>, body: unknown): Promise<object>
}

const plain = (run: (target: ControlTarget) => Promise<object>, method: Verb['method'] = 'GET'): Verb => ({
  method,
  query: [],
  run(target, _query, body) {
    if (body !== undefined) fieldsOf(body, [])
    return run(target)
  },
})

/** Everything that can be asked of an engine. What changes something is a POST. */
const VERBS: Readonly<Record<string, Verb>> = {
  states: plain((target) => target.states()),
  clients: {
    method: 'GET',
    query: ['listener', 'host', 'peer'],
    run: async (target, query) => ({ clients: await target.clients(Object.fromEntries(query) as ClientFilter) }),
  },
  disconnect: {
    method: 'POST',
    query: [],
    run: (target, _query, body) => target.disconnect(clientIdsOf(body)),
  },
  certs: plain((target) => target.certs()),
  recheck: plain((target) => target.recheck(), 'POST'),
  drain: plain((target) => target.drain(), 'POST'),
  totals: plain((target) => target.totals()),
}

const names = Object.keys(VERBS)
const list = names.map((name) => `${VERBS[name]?.method} /v1/${name}`).join(', ')

/**
 * Answers one request.
 *
 * @throws ControlError when it cannot be granted
 */
export async function answerControl(request: ControlRequest, target: ControlTarget): Promise<object> {
  const [path = '', search = ''] = request.url.split('?', 2)
  const name = /^\/v1\/([^/]*)$/.exec(path)?.[1]
  const verb = name === undefined || !Object.hasOwn(VERBS, name) ? undefined : VERBS[name]
  if (verb === undefined) {
    const near = nearest(path.slice(path.lastIndexOf('/') + 1), names)
    const hint =
      near === undefined ? `there are ${list}` : `did you mean ${VERBS[near]?.method} /v1/${near}? there are ${list}`
    throw new ControlError(404, `there is no verb "${path}"`, hint)
  }
  if (request.method !== verb.method)
    throw new ControlError(405, `"${name}" is not asked by ${request.method}`, `ask ${verb.method} /v1/${name}`)
  return verb.run(target, queryOf(search, verb.query), request.body)
}

function queryOf(search: string, known: readonly string[]): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const [field, value] of new URLSearchParams(search)) {
    requireKnown(field, known)
    if (query.has(field)) throw new ControlError(400, `"${field}" is given twice`, 'give it once')
    query.set(field, value)
  }
  return query
}

function clientIdsOf(body: unknown): readonly string[] {
  const { clientIds } = fieldsOf(body, ['clientIds'])
  if (Array.isArray(clientIds) && clientIds.length > 0 && clientIds.every((id) => typeof id === 'string'))
    return clientIds
  throw new ControlError(400, '"clientIds" is not a list of ids', 'give for example {"clientIds": ["c-1"]}')
}

function fieldsOf(body: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ControlError(
      400,
      'the body is not a JSON object',
      `give an object with ${known.join(', ') || 'nothing in it'}`,
    )
  for (const field of Object.keys(body)) requireKnown(field, known)
  return body as Readonly<Record<string, unknown>>
}

function requireKnown(field: string, known: readonly string[]): void {
  if (known.includes(field)) return
  const near = nearest(field, known)
  const hint = known.length === 0 ? 'nothing can be given here' : `there are ${known.join(', ')}`
  throw new ControlError(
    400,
    `"${field}" is not known here`,
    near === undefined ? hint : `did you mean "${near}"? ${hint}`,
  )
}
