/** One thing that is wrong with a manifest, or (as a warning) probably not meant. */
export interface Problem {
  /** Stable id of the rule, for example `host-name-twice`; match on it, never on the text. */
  readonly rule: string
  /** The field, for example `spec.icsHosts[1].hostNames[0]`; empty when the whole text is meant. */
  readonly path: string
  /** What the person wrote there, as JSON of at most 200 characters; empty when nothing was written. */
  readonly value: string
  /** What is wrong, with the value in double quotes. */
  readonly message: string
  /** What to do about it. */
  readonly cure: string
}

/** A place in a document: field names and list indexes from the root. */
export type Path = readonly (string | number)[]

const PLAIN_FIELD = /^[A-Za-z_$][A-Za-z0-9_$-]*$/

/** Prints a place as people write it: `spec.icsHosts[1].hostNames[0]`; the root is the empty string. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (PLAIN_FIELD.test(step) && step.length <= 100) text += text === '' ? step : `.${step}`
    else text += `[${cut(JSON.stringify(step), 100)}]`
  }
  return text
}

/** What stands at a place of a document; undefined when nothing does. Looks at own properties only. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/**
 * A value as JSON of at most `limit` characters, and the empty string for undefined. Visits no more of the value than it prints, so that
 * endless and exploding structures are harmless.
 */
export function showValue(value: unknown, limit = 200): string {
  if (value === undefined) return ''
  const out: string[] = []
  let left = limit
  const put = (text: string): boolean => {
    out.push(text)
    left -= text.length
    return left >= 0
  }
  const visit = (item: unknown): boolean => {
    if (typeof item === 'string') return put(JSON.stringify(item.length > limit ? item.slice(0, limit) : item))
    if (item === null || typeof item !== 'object') return put(typeof item === 'function' ? 'null' : String(item))
    // Each level puts a character at least, so that the limit ends endless ones too.
    if (Array.isArray(item)) {
      if (!put('[')) return false
      for (const [index, entry] of item.entries()) if ((index > 0 && !put(',')) || !visit(entry)) return false
      return put(']')
    }
    if (!put('{')) return false
    let first = true
    for (const key in item) {
      if (!Object.hasOwn(item, key)) continue
      if ((!first && !put(',')) || !put(`${JSON.stringify(cut(key, limit))}:`)) return false
      first = false
      if (!visit((item as Record<string, unknown>)[key])) return false
    }
    return put('}')
  }
  visit(value)
  return cut(out.join(''), limit)
}

/** A value in double quotes, for a message: text as JSON, anything else as its JSON between quotes. */
export function quote(value: unknown): string {
  return typeof value === 'string' ? cut(JSON.stringify(value), 100) : `"${showValue(value, 100)}"`
}

/** Words as a person lists them: `a, b or c`. */
export function oneOf(words: readonly (string | number)[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`
}
