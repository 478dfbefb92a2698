import * as z from 'zod'
import { type NamedPattern, namedPattern } from './patterns.ts'
import { type ListKind, listKindOf, type MapBounds, mapBoundsOf, type Rule, rulesOf } from './rules.ts'

/** What a value of the contract may be: the schema, reduced to what parsing, explaining and printing need. */
export type Shape = { readonly description: string; readonly rules: readonly Rule<unknown>[] } & (
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Field> }
  | {
      readonly kind: 'list'
      readonly item: Shape
      readonly min: number
      readonly max: number
      readonly unique: ListKind
    }
  | { readonly kind: 'string'; readonly min: number; readonly max: number; readonly patterns: readonly NamedPattern[] }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  /** One of a closed list, of texts or of integers. */
  | { readonly kind: 'choice'; readonly values: readonly (string | number)[] }
  /** Free keys, with texts as values; metadata, which the API server judges itself, has no bounds. */
  | { readonly kind: 'map'; readonly bounds: MapBounds | undefined }
  /** What the API server keeps for itself: accepted in any form and not carried over. */
  | { readonly kind: 'ignored' }
)

/** One field of an object. */
export interface Field {
  readonly name: string
  readonly shape: Shape
  readonly description: string
  readonly required: boolean
  /** What an absent field is read as, before its own defaults are applied; undefined when it stays absent. */
  readonly default: unknown
}

const cache = new WeakMap<z.ZodType, Shape>()

/**
 * Reads the shape of a schema; the answer is cached. `path` is where it stands, for errors.
 * @throws {TypeError} When the schema uses what a structural schema of Kubernetes cannot say: a defect of the contract.
 */
export function shapeOf(schema: z.ZodType, path = ''): Shape {
  const known = cache.get(schema)
  if (known !== undefined) return known
  const shape = readShape(schema, path)
  cache.set(schema, shape)
  return shape
}

function readShape(schema: z.ZodType, path: string): Shape {
  // Of what is dropped without a word by whoever prints a schema, none may pass.
  const bare = schema instanceof z.ZodString || schema instanceof z.ZodNumber || schema instanceof z.ZodArray
  if (!bare && (schema.def.checks ?? []).length > 0) throw unreadable(path, 'a refinement: attach a rule instead')
  const base = { description: schema.description ?? '', rules: rulesOf(schema) }
  if (schema instanceof z.ZodObject) {
    if (!(schema.def.catchall instanceof z.ZodNever)) throw unreadable(path, 'an open object: use z.strictObject')
    const fields = new Map<string, Field>()
    for (const [name, value] of Object.entries(schema.shape))
      fields.set(name, readField(name, value as z.ZodType, path === '' ? name : `${path}.${name}`))
    return { ...base, kind: 'object', fields }
  }
  if (schema instanceof z.ZodArray) {
    const { min, max } = bounds(schema, path)
    return {
      ...base,
      kind: 'list',
      item: shapeOf(schema.element as z.ZodType, `${path}[]`),
      min: min ?? 0,
      max: bounded(max, path),
      unique: listKindOf(schema),
    }
  }
  if (schema instanceof z.ZodString) {
    const { min, max, patterns } = bounds(schema, path)
    return { ...base, kind: 'string', min: min ?? 0, max: bounded(max, path), patterns: patterns.map(namedPattern) }
  }
  if (schema instanceof z.ZodNumber) {
    if (!(schema instanceof z.ZodNumberFormat)) throw unreadable(path, 'a number that may be no integer: use z.int()')
    const { min, max } = bounds(schema, path)
    return { ...base, kind: 'integer', min: bounded(min, path), max: bounded(max, path) }
  }
  if (schema instanceof z.ZodBoolean) return { ...base, kind: 'boolean' }
  if (schema instanceof z.ZodEnum) return { ...base, kind: 'choice', values: schema.options }
  if (schema instanceof z.ZodLiteral)
    return { ...base, kind: 'choice', values: [...schema.values] as (string | number)[] }
  if (schema instanceof z.ZodRecord) {
    const limits = mapBoundsOf(schema)
    const texts = [schema.keyType, schema.valueType].every(
      (part) => part instanceof z.ZodString && !part.def.checks?.length,
    )
    if (limits === undefined && !texts)
      throw unreadable(path, 'a map of anything else than free texts: use boundedMap or quantityMap')
    return { ...base, kind: 'map', bounds: limits }
  }
  if (schema instanceof z.ZodUnknown) return { ...base, kind: 'ignored' }
  throw unreadable(path, `a schema of type ${schema.def.type}`)
}

function readField(name: string, schema: z.ZodType, path: string): Field {
  let inner = schema
  let description = schema.description
  let required = true
  let fallback: unknown
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    required = false
    if (!(inner instanceof z.ZodOptional)) fallback = inner.def.defaultValue
    inner = inner.def.innerType as z.ZodType
    description ??= inner.description
  }
  return { name, shape: shapeOf(inner, path), description: description ?? '', required, default: fallback }
}

function bounds(
  schema: z.ZodType,
  path: string,
): { min: number | undefined; max: number | undefined; patterns: RegExp[] } {
  let min: number | undefined
  let max: number | undefined
  const patterns: RegExp[] = []
  for (const check of schema.def.checks ?? []) {
    const def = check._zod.def as {
      check: string
      minimum?: number
      maximum?: number
      value?: number
      pattern?: RegExp
    }
    if (def.check === 'min_length') min = def.minimum
    else if (def.check === 'max_length') max = def.maximum
    else if (def.check === 'greater_than') min = def.value
    else if (def.check === 'less_than') max = def.value
    else if (def.check === 'string_format' && def.pattern !== undefined) patterns.push(def.pattern)
    else throw unreadable(path, `the check "${def.check}": attach a rule instead`)
  }
  return { min, max, patterns }
}

/** Without bounds the API server cannot reckon what a rule costs. */
function bounded(bound: number | undefined, path: string): number {
  if (bound === undefined)
    throw unreadable(path, 'a schema without bounds: give every text, list and number a minimum and maximum')
  return bound
}

function unreadable(path: string, what: string): TypeError {
  return new TypeError(`${path === '' ? 'the contract' : path}: cannot read ${what}`)
}
