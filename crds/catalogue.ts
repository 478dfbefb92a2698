import { type NamedPattern, QUANTITY } from './patterns.ts'
import type { Rule } from './rules.ts'
import { type Shape, shapeOf } from './shape.ts'
import { socketServerSchema } from './v1alpha1/socket-server.ts'

/** What the bounds and types of single fields are called, each with what it means. */
export const SCHEMA_RULES = {
  required: 'a field that must be there is missing',
  type: 'a value is of another type than the field',
  'unknown-field': 'an object has a field that is not in the contract',
  'unknown-value': 'a value is not in the closed list of the field',
  'too-small': 'a number is below the least',
  'too-big': 'a number is above the greatest',
  'too-short': 'a text has fewer characters than the least',
  'too-long': 'a text has more characters than the most',
  'too-few': 'a list has fewer entries than the least',
  'too-many': 'a list has more entries than the most',
  duplicate: 'an entry of a list stands twice, or has the key of another',
} as const satisfies Record<string, string>

/** A rule over several fields, with every place of the contract where it holds. */
export interface PlacedRule {
  readonly rule: Rule<unknown>
  /** The values the rule is attached to, in the form `spec.icsHosts[].tls`. */
  readonly paths: readonly string[]
}

/** Every rule over several fields, each once, in the order of the contract. */
export function listRules(): readonly PlacedRule[] {
  const placed = new Map<Rule<unknown>, string[]>()
  visit(shapeOf(socketServerSchema), '', (shape, path) => {
    for (const rule of shape.rules) placed.set(rule, [...(placed.get(rule) ?? []), path])
  })
  return [...placed].map(([rule, paths]) => ({ rule, paths }))
}

/** Every pattern in use, each once. */
export function listPatterns(): readonly NamedPattern[] {
  const patterns = new Set<NamedPattern>()
  visit(shapeOf(socketServerSchema), '', (shape) => {
    if (shape.kind === 'string') for (const pattern of shape.patterns) patterns.add(pattern)
    if (shape.kind === 'map' && shape.bounds?.quantities) patterns.add(QUANTITY)
  })
  return [...patterns]
}

/** Calls back for a shape and everything below it, parents first. */
export function visit(shape: Shape, path: string, seen: (shape: Shape, path: string) => void): void {
  seen(shape, path)
  if (shape.kind === 'list') visit(shape.item, `${path}[]`, seen)
  if (shape.kind === 'object')
    for (const field of shape.fields.values())
      visit(field.shape, path === '' ? field.name : `${path}.${field.name}`, seen)
}
