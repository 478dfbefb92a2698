import { nearest } from './nearest.ts'
import { QUANTITY } from './patterns.ts'
import { type Field, type Shape, shapeOf } from './shape.ts'
import { socketServerSchema } from './v1alpha1/socket-server.ts'

/** A rule as it is told to people. */
export interface RuleDoc {
  readonly id: string
  readonly message: string
  readonly cure: string
}

/** What a field means, for `socketserver explain` and the reference. */
export interface FieldDoc {
  /** The field, lists marked by `[]`: `spec.icsHosts[].handler.type`. */
  readonly path: string
  /** As kubectl writes types: `string`, `integer`, `boolean`, `object`, `[]string`, `[]object`, `map[string]string`. */
  readonly type: string
  readonly required: boolean
  /** What an absent field is read as, as JSON; undefined when absence has a meaning of its own, which the description tells. */
  readonly default: string | undefined
  /** Bounds in words, for example `1 to 65535`; empty when there are none. */
  readonly bounds: string
  /** Every value there is, when the list is closed. */
  readonly values: readonly (string | number)[]
  /** The patterns text must match, each in the syntax RE2 and JavaScript share. */
  readonly patterns: readonly string[]
  readonly description: string
  /** Rules over this field's own members. */
  readonly rules: readonly RuleDoc[]
  /** Names of the fields below it. */
  readonly fields: readonly string[]
}

/** Either the field, or the paths of those that may be meant. */
export type FieldAnswer =
  | { readonly found: true; readonly field: FieldDoc }
  | { readonly found: false; readonly nearest: readonly string[] }

let all: readonly FieldDoc[] | undefined

/** Every field of a shape, parents before children, in the order they are declared in; `prefix` is where the shape stands. */
export function fieldsOf(shape: Shape, prefix: string): readonly FieldDoc[] {
  return [...walk(shape, prefix)]
}

/** Every field of the contract, parents before children, in the order they are declared in. */
export function listFields(): readonly FieldDoc[] {
  all ??= [...walk(shapeOf(socketServerSchema), '')]
  return all
}

/**
 * Looks a field up. The path may leave out `spec.` and list marks (`icsHosts.handler.type`), hold indexes, or be an end that
 * only one field has (`listenBacklog`); the empty path is the resource itself.
 */
export function fieldDoc(path: string): FieldAnswer {
  const wanted = plain(path).replace(/^socketservers?(\.|$)/i, '')
  if (wanted === '') return { found: true, field: documentOf('', shapeOf(socketServerSchema), undefined) }
  const fields = listFields()
  const byPath = new Map(fields.map((field) => [plain(field.path), field]))
  const exact = byPath.get(wanted) ?? byPath.get(`spec.${wanted}`)
  if (exact !== undefined) return { found: true, field: exact }
  const ends = fields.filter((field) => plain(field.path).toLowerCase().endsWith(`.${wanted.toLowerCase()}`))
  if (ends.length === 1 && ends[0] !== undefined) return { found: true, field: ends[0] }
  if (ends.length > 0) return { found: false, nearest: ends.map((field) => field.path) }
  return { found: false, nearest: nearestPaths(wanted, [...byPath.keys()]).map((key) => byPath.get(key)?.path ?? key) }
}

function plain(path: string): string {
  return path
    .trim()
    .replace(/\[[^\]]*\]/g, '')
    .replace(/^\.+|\.+$/g, '')
}

/** Follows the path as far as it goes, and each wrong step by the name nearest to it. */
function nearestPaths(wanted: string, known: readonly string[]): string[] {
  const steps = wanted.split('.').slice(0, 12)
  for (const start of steps[0] === 'spec' ? [''] : ['', 'spec']) {
    let at = start
    const walked = steps.every((step) => {
      const children = childrenOf(at, known)
      const name = children.includes(step) ? step : nearest(step, children)
      if (name !== undefined) at = at === '' ? name : `${at}.${name}`
      return name !== undefined
    })
    if (walked) return [at]
  }
  const last = steps.at(-1) ?? ''
  const name = nearest(last, [...new Set(known.map((path) => path.slice(path.lastIndexOf('.') + 1)))])
  if (name !== undefined) return known.filter((path) => path === name || path.endsWith(`.${name}`)).slice(0, 5)
  return childrenOf('spec', known).map((child) => `spec.${child}`)
}

function childrenOf(parent: string, known: readonly string[]): string[] {
  const prefix = parent === '' ? '' : `${parent}.`
  return known
    .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('.'))
    .map((path) => path.slice(prefix.length))
}

function* walk(shape: Shape, prefix: string): Generator<FieldDoc> {
  if (shape.kind !== 'object') return
  for (const field of shape.fields.values()) {
    if (field.shape.kind === 'ignored') continue
    const path = prefix === '' ? field.name : `${prefix}.${field.name}`
    yield documentOf(path, field.shape, field)
    yield* field.shape.kind === 'list' ? walk(field.shape.item, `${path}[]`) : walk(field.shape, path)
  }
}

function documentOf(path: string, shape: Shape, field: Field | undefined): FieldDoc {
  const item = shape.kind === 'list' ? shape.item : shape
  const named =
    item.kind === 'string' ? item.patterns : item.kind === 'map' && item.bounds?.quantities ? [QUANTITY] : []
  return {
    path: shape.kind === 'list' && item.kind === 'object' ? `${path}[]` : path,
    type: typeOf(shape),
    required: field?.required ?? true,
    default: field?.default === undefined ? undefined : JSON.stringify(field.default),
    bounds: [boundsOf(shape), ...(item === shape ? [] : [boundsOf(item)].filter(Boolean).map((text) => `each ${text}`))]
      .filter(Boolean)
      .join('; '),
    values: item.kind === 'choice' ? item.values : [],
    patterns: named.map(({ pattern }) => pattern.source),
    description: field?.description ?? shape.description,
    rules: [...shape.rules, ...(item === shape ? [] : item.rules)].map(({ id, message, cure }) => ({
      id,
      message,
      cure,
    })),
    fields:
      item.kind === 'object'
        ? [...item.fields.values()].filter(({ shape }) => shape.kind !== 'ignored').map(({ name }) => name)
        : [],
  }
}

function typeOf(shape: Shape): string {
  switch (shape.kind) {
    case 'list':
      return `[]${typeOf(shape.item)}`
    case 'map':
      return shape.bounds?.quantities ? 'map[string]quantity' : 'map[string]string'
    case 'choice':
      return typeof shape.values[0] === 'number' ? 'integer' : 'string'
    case 'ignored':
      return 'object'
    default:
      return shape.kind
  }
}

function boundsOf(shape: Shape): string {
  if (shape.kind === 'integer') return `${shape.min} to ${shape.max}`
  if (shape.kind === 'string') {
    if (shape.min === shape.max) return `${shape.max} characters`
    return shape.min === 0 ? `at most ${shape.max} characters` : `${shape.min} to ${shape.max} characters`
  }
  if (shape.kind === 'map') return shape.bounds === undefined ? '' : `at most ${shape.bounds.max} entries`
  if (shape.kind !== 'list') return ''
  const twice =
    shape.unique.type === 'set'
      ? ', none twice'
      : shape.unique.type === 'map'
        ? `, each with its own ${shape.unique.keys.join(', ')}`
        : ''
  return `${shape.min === 0 ? 'at most' : `${shape.min} to`} ${shape.max} entries${twice}`
}
