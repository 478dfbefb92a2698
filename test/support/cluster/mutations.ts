import { socketServerSpecSchema } from '../../../crds/index.ts'
import { type Shape, shapeOf } from '../../../crds/shape.ts'

/** One way to change a manifest, told by what is done where. */
export interface Mutation {
  /** For example `spec.listeners.0.port: below the least`. */
  readonly name: string
  /** The field it is about, in the form of `spec.listeners[].port`; empty when it is about several. */
  readonly field: string
  /** The changed manifest; the one given stays as it is. */
  apply(): object
}

type Path = readonly (string | number)[]

/** A copy of a document with another value at a place; undefined takes the field away. */
function replaced(root: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value
  if (Array.isArray(root)) return root.map((item, index) => (index === step ? replaced(item, rest, value) : item))
  const { [step]: inner, ...others } = root as Record<string | number, unknown>
  const next = replaced(inner, rest, value)
  return next === undefined ? others : { ...others, [step]: next }
}

/** Values that the type or the bounds of a shape refuse, and a few that are good and may break a rule over several fields. */
function* replacements(shape: Shape, value: unknown): Generator<readonly [what: string, value: unknown]> {
  switch (shape.kind) {
    case 'integer':
      yield ['below the least', shape.min - 1]
      yield ['the least', shape.min]
      yield ['above the greatest', shape.max + 1]
      yield ['a text', `${value}`]
      yield ['a fraction', shape.min + 0.5]
      break
    case 'string':
      yield ['one character too long', 'a'.repeat(shape.max + 1)]
      if (shape.min > 0) yield ['one character too short', 'a'.repeat(shape.min - 1)]
      if (shape.patterns.length > 0) yield ['of another pattern', `${value}\n`.slice(0, shape.max)]
      if (shape.patterns.length > 0) yield ['of another case', `${value}`.toUpperCase()]
      yield ['a number', 7]
      yield ['a list', [value]]
      break
    case 'boolean':
      yield ['the other', value !== true]
      yield ['a text', `${value}`]
      break
    case 'choice':
      for (const other of shape.values.slice(0, 4)) yield [`${other}`, other]
      yield ['unknown', typeof value === 'number' ? 418 : `${value}x`]
      yield ['of another type', typeof value === 'number' ? `${value}` : 1]
      break
    case 'list': {
      const list = value as readonly unknown[]
      if (list.length > 0) yield ['an entry twice', [...list, list[0]]]
      if (list.length > 0) yield ['without its first entry', list.slice(1)]
      if (list.length > 0 && shape.max <= 64)
        yield ['one entry too many', Array.from({ length: shape.max + 1 }, (_, index) => list[index % list.length])]
      yield ['empty', []]
      yield ['one entry and no list', list[0] ?? 'none']
      break
    }
    case 'object':
      yield ['with an unknown field', { ...(value as object), notAField: true }]
      yield ['a text', 'text']
      yield ['null', null]
      break
    case 'map': {
      yield ['a text', 'text']
      yield ['a list', []]
      // A whole number of a quantity is good, and is read as its text, where the API server keeps the number.
      yield ['with a number', { key: shape.bounds?.quantities ? 0.5 : 7 }]
      yield ['with true', { key: true }]
      if (shape.bounds === undefined) break
      const { max, maxLength } = shape.bounds
      const entries = Array.from({ length: max + 1 }, (_, index) => [`key-${index}`, '1'])
      yield ['one entry too many', Object.fromEntries(entries)]
      yield ['as many entries as may be', Object.fromEntries(entries.slice(1))]
      yield ['with a value one character too long', { key: '1'.repeat(maxLength + 1) }]
      yield ['with a value that is no quantity', { key: '1 apple' }]
      break
    }
    default:
      break
  }
}

function* mutationsAt(root: unknown, shape: Shape, value: unknown, path: Path): Generator<Mutation> {
  const mutation = (what: string, at: Path, next: unknown): Mutation => ({
    name: `${at.join('.')}: ${what}`,
    field: at
      .join('.')
      .replace(/\.\d+(?=\.|$)/g, '[]')
      .replace(/\[\]$/, ''),
    apply: () => replaced(root, at, next) as object,
  })
  for (const [what, next] of replacements(shape, value)) yield mutation(what, path, next)
  if (shape.kind === 'list')
    for (const [index, item] of (value as readonly unknown[]).entries())
      yield* mutationsAt(root, shape.item, item, [...path, index])
  if (shape.kind !== 'object') return
  for (const field of shape.fields.values()) {
    const inner = (value as Readonly<Record<string, unknown>>)[field.name]
    const at = [...path, field.name]
    if (inner === undefined) continue
    yield mutation('taken away', at, undefined)
    yield* mutationsAt(root, field.shape, inner, at)
  }
}

interface Spec {
  readonly listeners: readonly { readonly name: string; readonly port: number }[]
  readonly icsHosts?: readonly { readonly hostTag: string; readonly hostNames?: readonly string[] }[]
}

/** Changes that only a rule over several fields can find: references that lead nowhere, names and sockets taken twice. */
function* ruleBreakers(root: { readonly spec: Spec }): Generator<Mutation> {
  const { listeners, icsHosts = [] } = root.spec
  const set = (name: string, path: Path, value: unknown): Mutation => ({
    name,
    field: '',
    apply: () => replaced(root, ['spec', ...path], value) as object,
  })
  const [first] = listeners
  for (const [index, host] of icsHosts.entries()) {
    yield set('a host names a listener that is not', ['icsHosts', index, 'listeners'], ['nowhere'])
    yield set('a host is default everywhere', ['icsHosts', index], { ...host, default: true, listeners: [] })
    yield set('a host is on every listener', ['icsHosts', index, 'listeners'], [])
    const other = icsHosts.find((one) => one !== host)
    if (other?.hostNames?.length)
      yield set('two hosts have one name', ['icsHosts', index, 'hostNames'], other.hostNames)
    if (other !== undefined) yield set('two hosts have one tag', ['icsHosts', index, 'hostTag'], other.hostTag)
    if (first !== undefined) yield set('a host has the tag of a listener', ['icsHosts', index, 'hostTag'], first.name)
  }
  for (const [index, listener] of listeners.entries()) {
    const other = listeners.find((one) => one !== listener)
    if (other === undefined) continue
    for (const address of ['::', '0.0.0.0', '192.0.2.1', '2001:DB8::1', '2001:db8:0::1', '::1%lo', '1.2.3'])
      yield set(`two listeners on one port, one at ${address}`, ['listeners', index], {
        ...listener,
        port: other.port,
        address,
      })
    yield set('two listeners have one name', ['listeners', index, 'name'], other.name)
  }
  yield set('no hosts', ['icsHosts'], [])
}

/** Every way there is to change a valid manifest in one place. */
export function mutationsOf(manifest: unknown): readonly Mutation[] {
  const root = manifest as { readonly spec: Spec }
  return [...mutationsAt(root, shapeOf(socketServerSpecSchema), root.spec, ['spec']), ...ruleBreakers(root)]
}
