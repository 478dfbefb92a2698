import type { CelRule, Rule } from './rules.ts'

/** One entry of `x-kubernetes-validations`. */
export interface Validation {
  readonly rule: string
  readonly message: string
  readonly messageExpression?: string
  readonly reason?: CelRule['reason']
  readonly fieldPath?: string
}

/** The API server shows no more of a message. */
const LONGEST_MESSAGE = 2048

/** A text as a literal of CEL. */
const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** A formatted message costs less than one put together, and its parts may be of any type. */
const messageOf = ([text, ...values]: NonNullable<CelRule['says']>, end: string): string =>
  `${literal(`${text}${end}`.replaceAll(/%(?!s)/g, '%%'))}.format([${values.join(', ')}])`

/**
 * The rules of one value as the API server checks them. Each message says what is wrong and what to do, and ends with the id of
 * the rule in brackets, by which programs tell them apart; with `says` it names the values, too.
 * @throws {TypeError} When the message of a rule is too long: a defect of the contract.
 */
export function celValidations(rules: readonly Rule<unknown>[], path: string): Validation[] {
  return rules.flatMap((rule) => {
    if (rule.cel === null) return []
    const end = `: ${rule.cure} [${rule.id}]`
    const message = `${rule.message}${end}`
    if (message.length > LONGEST_MESSAGE) throw new TypeError(`${path}: the message of the rule ${rule.id} is too long`)
    return [rule.cel].flat().map((cel) => ({
      rule: cel.rule,
      message,
      ...(cel.says === undefined ? {} : { messageExpression: messageOf(cel.says, end) }),
      ...(cel.reason === undefined ? {} : { reason: cel.reason }),
      ...(cel.fieldPath === undefined ? {} : { fieldPath: cel.fieldPath }),
    }))
  })
}
