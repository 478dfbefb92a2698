import { celValidations, type Validation } from './cel-validations.ts'
import { QUANTITY } from './patterns.ts'
import type { Field, Shape } from './shape.ts'

/** An OpenAPI v3 schema in the structural form that a CustomResourceDefinition demands. */
export interface StructuralSchema {
  /** Absent where a text or a whole number may stand. */
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean'
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly (string | number)[]
  readonly format?: 'int32' | 'int64'
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly allOf?: readonly { readonly pattern: string }[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: StructuralSchema
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, StructuralSchema>>
  readonly additionalProperties?: StructuralSchema
  readonly maxProperties?: number
  readonly 'x-kubernetes-int-or-string'?: true
  readonly 'x-kubernetes-validations'?: readonly Validation[]
}

/** What JavaScript knows and RE2, which the API server matches with, does not. */
const NOT_RE2 = /\(\?(?:[=!]|<[=!])|\\[1-9]|\\k</

const MOST_INT32 = 2_147_483_647

/**
 * Prints a shape as structural schema. `needs: 'keys'` asks for nothing but the keys of lists: for a status, which an older
 * program writes without the fields that came later.
 * @throws {TypeError} When the shape cannot be structural, with the path: a defect of the contract.
 */
export function structuralSchema(shape: Shape, path: string, needs: 'all' | 'keys' = 'all'): StructuralSchema {
  const validations = celValidations(shape.rules, path)
  return {
    ...typed(shape, path, needs),
    ...(shape.description === '' ? {} : { description: shape.description }),
    ...(validations.length === 0 ? {} : { 'x-kubernetes-validations': validations }),
  }
}

function typed(shape: Shape, path: string, needs: 'all' | 'keys'): StructuralSchema {
  switch (shape.kind) {
    case 'object':
      return objectSchema(shape, path, needs, [])
    case 'list':
      return listSchema(shape, path, needs)
    case 'map':
      return mapSchema(shape)
    case 'string':
      return {
        type: 'string',
        ...(shape.min > 0 ? { minLength: shape.min } : {}),
        maxLength: shape.max,
        ...patternsOf(shape, path),
      }
    case 'integer': {
      const format = shape.max <= MOST_INT32 && shape.min >= -MOST_INT32 ? 'int32' : 'int64'
      return { type: 'integer', format, minimum: shape.min, maximum: shape.max }
    }
    case 'boolean':
      return { type: 'boolean' }
    case 'choice':
      return { type: typeof shape.values[0] === 'number' ? 'integer' : 'string', enum: shape.values }
    case 'ignored':
      throw refusal(path, 'a value of any form: give it a type')
  }
}

function mapSchema({ bounds }: Shape & { kind: 'map' }): StructuralSchema {
  if (bounds === undefined) return { type: 'object', additionalProperties: { type: 'string' } }
  const { max: maxProperties, maxLength, quantities } = bounds
  return {
    type: 'object',
    maxProperties,
    additionalProperties: quantities
      ? { 'x-kubernetes-int-or-string': true, maxLength, pattern: QUANTITY.pattern.source }
      : { type: 'string', maxLength },
  }
}

function objectSchema(
  shape: Shape & { kind: 'object' },
  path: string,
  needs: 'all' | 'keys',
  keys: readonly string[],
): StructuralSchema {
  const fields = [...shape.fields.values()]
  const required = fields
    .filter((field) => field.required && (needs === 'all' || keys.includes(field.name)))
    .map(({ name }) => name)
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(
      fields.map((field) => [
        field.name,
        fieldSchema(field, path === '' ? field.name : `${path}.${field.name}`, needs),
      ]),
    ),
  }
}

/** One field of an object: its own description replaces that of its type, and its default is checked. */
export function fieldSchema(field: Field, path: string, needs: 'all' | 'keys' = 'all'): StructuralSchema {
  const schema = structuralSchema(field.shape, path, needs)
  const { type, ...rest } = schema
  if (field.default !== undefined) checkDefault(field, path)
  return {
    ...(type === undefined ? {} : { type }),
    ...rest,
    ...(field.description === '' ? {} : { description: field.description }),
    ...(field.default === undefined ? {} : { default: wholeDefault(field.shape, field.default) }),
  }
}

function listSchema(shape: Shape & { kind: 'list' }, path: string, needs: 'all' | 'keys'): StructuralSchema {
  const { item, unique } = shape
  const scalar = item.kind !== 'object' && item.kind !== 'list' && item.kind !== 'map'
  if (unique.type === 'set' && !scalar)
    throw refusal(path, 'a set of objects: name the keys that tell them apart (asMapBy)')
  const keys = unique.type === 'map' ? unique.keys : []
  if (unique.type === 'map') checkKeys(item, keys, path)
  const items = structuralSchema(item, `${path}[]`, needs)
  return {
    type: 'array',
    ...(shape.min > 0 ? { minItems: shape.min } : {}),
    maxItems: shape.max,
    'x-kubernetes-list-type': unique.type,
    ...(unique.type === 'map' ? { 'x-kubernetes-list-map-keys': keys } : {}),
    items: item.kind === 'object' ? { ...items, ...objectSchema(item, `${path}[]`, needs, keys) } : items,
  }
}

/** The keys of a list-map are scalars that always are there. */
function checkKeys(item: Shape, keys: readonly string[], path: string): void {
  if (item.kind !== 'object') throw refusal(path, 'a list with keys whose entries are no objects')
  for (const key of keys) {
    const field = item.fields.get(key)
    if (field === undefined) throw refusal(path, `the key "${key}", which its entries do not have`)
    if (!field.required && field.default === undefined)
      throw refusal(`${path}[].${key}`, 'a key that may be absent: require it, or give it a default')
    if (!['string', 'integer', 'boolean', 'choice'].includes(field.shape.kind))
      throw refusal(`${path}[].${key}`, 'a key that is no scalar')
  }
}

function patternsOf(shape: Shape & { kind: 'string' }, path: string): Partial<StructuralSchema> {
  for (const { pattern } of shape.patterns) {
    if (NOT_RE2.test(pattern.source)) throw refusal(path, `the pattern ${pattern.source}, which RE2 cannot match`)
    if (pattern.flags !== '') throw refusal(path, `the flags "${pattern.flags}" of a pattern, which would be lost`)
  }
  const [first, ...others] = shape.patterns.map(({ pattern }) => ({ pattern: pattern.source }))
  if (first === undefined) return {}
  return others.length === 0 ? first : { allOf: [first, ...others] }
}

/** The API server refuses a definition whose own defaults it would refuse. */
function checkDefault({ shape, default: value }: Field, path: string): void {
  const refuse = (what: string) => refusal(path, `the default ${JSON.stringify(value)}, ${what}`)
  const length = typeof value === 'string' ? [...value].length : Array.isArray(value) ? value.length : Number(value)
  const bounded = shape.kind === 'string' || shape.kind === 'list' || shape.kind === 'integer'
  if (bounded && (length < shape.min || length > shape.max)) throw refuse('which is out of its own bounds')
  if (shape.kind === 'string' && !shape.patterns.every(({ pattern }) => pattern.test(String(value))))
    throw refuse('which its own pattern refuses')
  if (shape.kind === 'choice' && !shape.values.includes(value as string))
    throw refuse('which is none of its own values')
  if (shape.kind === 'object')
    for (const field of shape.fields.values())
      if (field.required && !Object.hasOwn(value as object, field.name))
        throw refuse(`which lacks the required field "${field.name}"`)
}

/** A default with those of the fields below it: the API server judges it by the rules before it fills it up. */
function wholeDefault(shape: Shape, value: unknown): unknown {
  if (shape.kind !== 'object') return value
  const given = value as Readonly<Record<string, unknown>>
  const whole: Record<string, unknown> = {}
  for (const field of shape.fields.values()) {
    const own = given[field.name] ?? field.default
    if (own !== undefined) whole[field.name] = wholeDefault(field.shape, own)
  }
  return whole
}

/** What `npm run generate` says about a contract that no API server would take. */
export function refusal(path: string, what: string): TypeError {
  return new TypeError(`${path}: a structural schema cannot say ${what}`)
}
