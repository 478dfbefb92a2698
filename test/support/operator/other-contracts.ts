import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { repository } from '../runtime.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly [word: string]: unknown
}

interface Definition {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] }
  readonly [field: string]: unknown
}

/** Applies a change to a schema and everything below it. `isKey`: an entry of a list is told apart by it. */
function everywhere(schema: Schema, change: (schema: Schema, isKey: boolean) => Schema, isKey = false): Schema {
  const keys = new Set(schema.items?.['x-kubernetes-list-map-keys'] ?? schema['x-kubernetes-list-map-keys'])
  const { properties, items, additionalProperties } = schema
  const below = (inner: Schema, name?: string): Schema =>
    everywhere(inner, change, name !== undefined && keys.has(name))
  const entries = Object.entries(properties ?? {})
  const listed = items && {
    ...items,
    ...(items.properties && {
      properties: Object.fromEntries(Object.entries(items.properties).map(([name, one]) => [name, below(one, name)])),
    }),
  }
  return change(
    {
      ...schema,
      ...(properties && { properties: Object.fromEntries(entries.map(([name, one]) => [name, below(one)])) }),
      ...(listed && { items: change(listed, false) }),
      ...(typeof additionalProperties === 'object' && { additionalProperties: below(additionalProperties) }),
    },
    isKey,
  )
}

const without = (schema: Schema, ...words: readonly string[]): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([word]) => !words.includes(word)))

const lacking = (schema: Schema, fields: readonly string[]): Schema => ({
  ...schema,
  properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => !fields.includes(name))),
})

/** The definition of the repository with another schema of `spec`, or of `status`. */
function withChanged(field: 'spec' | 'status', change: (schema: Schema) => Schema): object {
  const text = readFileSync(join(repository, 'crds', 'socketservers.yaml'), 'utf8')
  const definition = load(text) as Definition
  const [version] = definition.spec.versions
  if (version === undefined) throw new Error('the definition has no version')
  const root = version.schema.openAPIV3Schema
  const schema = root.properties?.[field]
  if (schema === undefined) throw new Error(`the definition has no ${field}`)
  const openAPIV3Schema = { ...root, properties: { ...root.properties, [field]: change(schema) } }
  const versions = [{ ...version, schema: { openAPIV3Schema } }]
  return { ...definition, spec: { ...definition.spec, versions } }
}

/** A definition as a later release may have it: with fields and values that this one does not know, and other rules. */
export const newerContract = (): object =>
  withChanged('spec', (spec) =>
    everywhere(spec, (schema) => ({
      ...without(schema, 'enum', 'x-kubernetes-validations'),
      ...(schema.properties && { 'x-kubernetes-preserve-unknown-fields': true }),
    })),
  )

/** A definition as an earlier release may have had it: without `fields` of `spec`, and without defaults, so that what is stored lacks them. */
export const olderContract = (...fields: readonly string[]): object =>
  withChanged('spec', (spec) => {
    const bare = everywhere(spec, (schema, isKey) =>
      without(schema, 'x-kubernetes-validations', ...(isKey ? [] : ['default'])),
    )
    return lacking(bare, fields)
  })

/** A definition as an earlier release may have had it: without `fields` of `status`. */
export const contractBeforeStatus = (...fields: readonly string[]): object =>
  withChanged('status', (status) => lacking(status, fields))
