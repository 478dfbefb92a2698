import * as z from 'zod'
import { QUANTITY } from './patterns.ts'
import type { Path } from './problem.ts'

/**
 * What a rule sees of a `T`: anything may be undefined, because the person wrote something unusable there, which is reported
 * on its own. Defaults are applied. A check says nothing about what it cannot know.
 */
export type Loose<T> = T extends readonly (infer Item)[]
  ? readonly (Loose<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Loose<NonNullable<T[Key]>> | undefined }
    : T

/** One breach of a rule, with places relative to the value that the rule is attached to. */
export interface Breach {
  readonly path: Path
  /** Replaces the general message of the rule: what exactly is wrong, values in double quotes. */
  readonly message?: string
  /** Replaces the general cure of the rule. */
  readonly cure?: string
  /** Further places the verdict rests on: when one of them is unusable, the breach is not reported. */
  readonly restsOn?: readonly Path[]
}

/** How the API server checks a rule. */
export interface CelRule {
  /** CEL expression that is true when the rule is kept; `self` is the value that the rule is attached to. */
  readonly rule: string
  /** What is wrong, when values are to appear in it: text with a `%s` for each CEL expression behind it. */
  readonly says?: readonly [text: string, ...values: string[]]
  /** Place of the breach relative to the value, in the form of `fieldPath`, for example `.certificate`. */
  readonly fieldPath?: string
  /** `FieldValueDuplicate` is not among them: the API server leaves the message of such a rule out. */
  readonly reason?: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden'
}

/** One rule over several fields: stated once, checked here by `check` and in the API server by `cel`. */
export type Rule<T> = {
  /** Stable, kebab-case, unique over the contract. */
  readonly id: string
  /** `warning`: served all the same. */
  readonly severity: 'problem' | 'warning'
  /** What is wrong when the rule is broken, in general. */
  readonly message: string
  /** What to do, in general. */
  readonly cure: string
  /** Reports every breach. Never throws; cheap, at most linear in the size of the value save where a bound is stated. */
  readonly check: (value: Loose<T>, report: (breach: Breach) => void) => void
} /** Several expressions, where one could not name the field that is wrong. */ & (
  | { readonly cel: CelRule | readonly CelRule[] }
  /** The API server cannot check the rule, for the reason `why`; the condition `Accepted` reports it. */
  | { readonly cel: null; readonly why: string }
)

/** How the entries of a list are told apart: `set` by value, `map` by the fields named; an `atomic` list may repeat itself. */
export type ListKind =
  | { readonly type: 'atomic' }
  | { readonly type: 'set' }
  | { readonly type: 'map'; readonly keys: readonly string[] }

const rulesBySchema = new WeakMap<z.ZodType, readonly Rule<never>[]>()
const kindBySchema = new WeakMap<z.ZodType, ListKind>()

/** Attaches rules to a schema; what `describe` makes of it keeps them. A statement of its own, as rules name the type of their schema. */
export function attachRules<S extends z.ZodType>(schema: S, rules: readonly Rule<z.infer<S>>[]): void {
  rulesBySchema.set(schema, rules as readonly Rule<never>[])
}

/** The rules attached to a schema. */
export function rulesOf(schema: z.ZodType): readonly Rule<unknown>[] {
  return (found(rulesBySchema, schema) ?? []) as readonly Rule<unknown>[]
}

/** Declares that no value stands twice in a list (`x-kubernetes-list-type: set`). */
export function asSet<S extends z.ZodArray>(schema: S): S {
  kindBySchema.set(schema, { type: 'set' })
  return schema
}

/** Declares the fields that tell the entries of a list apart (`x-kubernetes-list-type: map`). */
export function asMapBy<S extends z.ZodArray>(schema: S, ...keys: string[]): S {
  kindBySchema.set(schema, { type: 'map', keys })
  return schema
}

/** How the entries of a list are told apart. */
export function listKindOf(schema: z.ZodType): ListKind {
  return found(kindBySchema, schema) ?? { type: 'atomic' }
}

/** Every method of zod makes another schema; `parent` leads from a described schema to the one it was made of. */
function found<T>(map: WeakMap<z.ZodType, T>, schema: z.ZodType): T | undefined {
  for (let at: z.ZodType | undefined = schema; at !== undefined; at = at._zod.parent as z.ZodType | undefined) {
    const value = map.get(at)
    if (value !== undefined) return value
  }
  return undefined
}

/** What a map of free keys may hold. */
export interface MapBounds {
  /** The most entries. */
  readonly max: number
  /** The most characters of a value. */
  readonly maxLength: number
  /** Whether the values are quantities (`500m`, `1Gi`, or a whole number), as in the resources of a container. */
  readonly quantities: boolean
}

const boundsBySchema = new WeakMap<z.ZodType, MapBounds>()

/** A map of free keys with texts as values. */
export function boundedMap(max: number, maxLength: number) {
  const schema = z.record(z.string(), z.string().max(maxLength))
  boundsBySchema.set(schema, { max, maxLength, quantities: false })
  return schema
}

/** A map of free keys with quantities as values; a whole number is read as its text. */
export function quantityMap(max: number) {
  const text = z.string().max(32).regex(QUANTITY.pattern)
  const schema = z.record(z.string(), z.union([text, z.number().refine(Number.isInteger).transform(String).pipe(text)]))
  boundsBySchema.set(schema, { max, maxLength: 32, quantities: true })
  return schema
}

/** The bounds of a map; undefined when it has none. */
export function mapBoundsOf(schema: z.ZodType): MapBounds | undefined {
  return found(boundsBySchema, schema)
}
