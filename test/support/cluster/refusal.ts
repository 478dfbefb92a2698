import { listPatterns, listRules, type SCHEMA_RULES } from '../../../crds/catalogue.ts'
import type { ApiAnswer } from '../control-plane/identity.ts'

/** One thing the API server found, by the ids of the contract. */
export interface Finding {
  /** Id of a rule, a pattern, or a kind of bound; undefined when it is none that the contract knows. */
  readonly rule: string | undefined
  readonly field: string
  readonly message: string
}

interface Cause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** What follows from another finding and is none by itself. */
const CONSEQUENCE = /must validate all the schemas \(allOf\)|some validation rules were not checked/

type SchemaRule = keyof typeof SCHEMA_RULES

const BY_REASON: Readonly<Record<string, SchemaRule>> = {
  FieldValueNotSupported: 'unknown-value',
  FieldValueRequired: 'required',
  FieldValueDuplicate: 'duplicate',
  FieldValueTypeInvalid: 'type',
  FieldValueTooLong: 'too-long',
  FieldValueTooMany: 'too-many',
}

const BY_TEXT: readonly (readonly [RegExp, SchemaRule])[] = [
  [/must be of type/, 'type'],
  [/should be at least \d+ chars long/, 'too-short'],
  [/should be at most \d+ chars long|may not be more than \d+ bytes/, 'too-long'],
  [/should have at least \d+ items/, 'too-few'],
  [/must have at most \d+ items/, 'too-many'],
  [/should be less than or equal to/, 'too-big'],
  [/should be greater than or equal to/, 'too-small'],
]

const rules = new Set(listRules().map(({ rule }) => rule.id))

function ruleOf({ reason = '', message = '' }: Cause): string | undefined {
  const told = / \[([a-z0-9-]+)\]$/.exec(message)?.[1]
  if (told !== undefined && rules.has(told)) return told
  const pattern = /in body should match '(.*)'$/.exec(message)?.[1]
  if (pattern !== undefined) return listPatterns().find((named) => named.pattern.source === pattern)?.id
  return BY_TEXT.find(([text]) => text.test(message))?.[1] ?? BY_REASON[reason]
}

/** What the API server found wrong, or nothing when it accepted. Throws when the answer is neither. */
export function findingsOf({ status, body }: ApiAnswer): Finding[] {
  if (status === 200 || status === 201) return []
  const { message = '', details } = body as { message?: string; details?: { causes?: readonly Cause[] } }
  if (status === 400 && message.includes('strict decoding error')) {
    const fields = [...message.matchAll(/unknown field "([^"]*)"/g)].map((match) => match[1] ?? '')
    return fields.map((field) => ({ rule: 'unknown-field', field, message }))
  }
  if (status !== 422) throw new Error(`the API server answered ${status}: ${JSON.stringify(body)}`)
  return (details?.causes ?? [])
    .filter((cause) => !CONSEQUENCE.test(cause.message ?? ''))
    .map((cause) => ({ rule: ruleOf(cause), field: cause.field ?? '', message: cause.message ?? '' }))
}

/** Whether both ids stand for one rule: a pattern may be told more precisely by one side. */
export function isSameRule(ours: string, theirs: string | undefined): boolean {
  if (ours === theirs) return true
  return listPatterns().some((pattern) => pattern.id === theirs && pattern.variants?.includes(ours))
}

/** Rules that the API server does not check, so that it accepts what breaks them alone. */
export const LEFT_TO_ACCEPTED: ReadonlySet<string> = new Set(
  listRules().flatMap(({ rule }) => (rule.cel === null && rule.severity === 'problem' ? [rule.id] : [])),
)
