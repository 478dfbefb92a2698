import { constructFromEvents, EVENT_ID, parseEvents, YAMLException } from 'js-yaml'
import { type Problem, quote } from './problem.ts'
import { KUBERNETES_SCHEMA } from './yaml-scalars.ts'

/** The documents of a text, or why it cannot be read. */
export type YamlResult =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly problem: Problem }

/** One document of a text. */
export interface YamlDocument {
  /** What it holds, as plain JSON values; aliases share one object. */
  readonly value: unknown
  /** Line of its first value, from 1. */
  readonly line: number
}

/** Twice what etcd takes for one object, so that a file of several still fits. */
const MOST_BYTES = 3 * 1024 * 1024

/** How many values aliases may stand for; a text without aliases is bounded by its size. */
const MOST_ALIASED_VALUES = 500_000

/** How many fields merge keys may copy: enough for every host of the largest resource. */
const MOST_MERGED_KEYS = 100_000

/** How deep values may be nested, aliases included. */
const DEEPEST = 200

/**
 * Reads every document of a YAML or JSON text as kubectl reads it: with the booleans and octal numbers of YAML 1.1, without its
 * sexagesimal numbers, timestamps as text. Repeated keys, recursive and exploding aliases are refused. Never throws.
 */
export function readYaml(input: string | Uint8Array): YamlResult {
  const size = typeof input === 'string' ? input.length : input.byteLength
  if (size > MOST_BYTES || (typeof input === 'string' && Buffer.byteLength(input) > MOST_BYTES))
    return refuse(
      'too-large-input',
      `the text has "${typeof input === 'string' ? Buffer.byteLength(input) : size}" bytes, more than ${MOST_BYTES}`,
      'check that this is the right file; a cluster takes at most 1.5 MiB for one resource',
    )
  const text = decode(input)
  if (typeof text !== 'string') return text
  if (!/\S/.test(text))
    return refuse('empty-input', 'the text is empty', 'write a manifest with apiVersion, kind, metadata and spec')
  try {
    const events = parseEvents(text, { maxDepth: 100 })
    const values = constructFromEvents(events, {
      source: text,
      schema: KUBERNETES_SCHEMA,
      maxTotalMergeKeys: MOST_MERGED_KEYS,
    })
    if (events.some((event) => event.type === EVENT_ID.ALIAS)) {
      const verdict = judgeAliases(values)
      if (verdict !== undefined) return verdict
    }
    const lines = linesOfDocuments(text, events)
    return { ok: true, documents: values.map((value, index) => ({ value, line: lines[index] ?? 1 })) }
  } catch (error) {
    return refuseSyntax(text, error)
  }
}

function decode(input: string | Uint8Array): string | YamlResult {
  let text: string
  if (typeof input === 'string') text = input
  else {
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(input)
    } catch {
      const wide = (input[0] === 0xff && input[1] === 0xfe) || (input[0] === 0xfe && input[1] === 0xff)
      return wide
        ? refuse('binary-input', 'the text is UTF-16', 'save it as UTF-8')
        : refuse(
            'binary-input',
            'this is no text: it is not valid UTF-8',
            'check that this is the right file, and save it as UTF-8',
          )
    }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells a binary file
  const binary = text.search(/[\x00-\x08\x0e-\x1f]/)
  if (binary >= 0) {
    const code = text.charCodeAt(binary).toString(16).padStart(4, '0')
    return refuse(
      'binary-input',
      `this is no text: it holds the control character "U+${code}" in line ${lineAt(text, binary)}`,
      'check that this is the right file',
    )
  }
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

function refuse(rule: string, message: string, cure: string): YamlResult & { ok: false } {
  return { ok: false, problem: { rule, path: '', value: '', message, cure } }
}

function refuseSyntax(text: string, error: unknown): YamlResult {
  if (!(error instanceof YAMLException) || error.mark === undefined) {
    const reason = error instanceof Error ? error.message : String(error)
    return refuse('yaml-syntax', `the text is not YAML: ${reason}`, 'correct the text')
  }
  const { line, column, position } = error.mark
  const where = `line ${line + 1}, column ${column + 1}`
  const source = text.split(/\r\n|\r|\n/, line + 1)[line] ?? ''
  if (error.reason === 'duplicated mapping key') {
    // The reader points behind an opening quote.
    const quoted = /["']/.exec(text.charAt(position - 1))?.[0]
    const key = text.slice(position, position + 200).split(quoted ?? /[:\n]/, 1)[0] ?? ''
    const place = `line ${line + 1}, column ${quoted === undefined ? column + 1 : column}`
    return refuse(
      'duplicate-field',
      `the field ${quote(key.trim())} stands twice in one object, again at ${place}`,
      'keep one of the two',
    )
  }
  if (/^(merge keys exceeded|abnormal merge)/.test(error.reason)) return tooManyAliases()
  if (/maxDepth/.test(error.reason))
    return refuse('yaml-syntax', `values are nested deeper than 100 levels at ${where}`, 'nest less deeply')
  const cure = /^\s*\t/.test(source)
    ? 'indent with spaces: YAML takes no tabs there'
    : `look at this line and the one before: ${quote(source.trim().slice(0, 80))}`
  return refuse('yaml-syntax', `the text is not YAML at ${where}: ${error.reason}`, cure)
}

function tooManyAliases(): YamlResult & { ok: false } {
  return refuse(
    'alias-expansion',
    `aliases stand for more than "${MOST_ALIASED_VALUES}" values or nest deeper than ${DEEPEST} levels`,
    'write the values out, or use fewer aliases within what anchors name',
  )
}

/** Reckons what aliases stand for without writing it out: each shared object is counted once and its count is used again. */
function judgeAliases(values: readonly unknown[]): YamlResult | undefined {
  const counts = new Map<object, number>()
  const open = new Set<object>()
  let verdict: YamlResult | undefined
  const count = (value: unknown, depth: number): number => {
    if (verdict !== undefined || value === null || typeof value !== 'object') return 1
    const known = counts.get(value)
    if (known !== undefined) return known
    if (open.has(value)) {
      verdict = refuse(
        'recursive-alias',
        'an anchor contains an alias of itself',
        'write the value out instead of the alias',
      )
      return 1
    }
    if (depth > DEEPEST) {
      verdict = tooManyAliases()
      return 1
    }
    open.add(value)
    let total = 1
    for (const child of Object.values(value)) total += count(child, depth + 1)
    open.delete(value)
    counts.set(value, total)
    return total
  }
  const total = values.reduce<number>((sum, value) => sum + count(value, 0), 0)
  return verdict ?? (total > MOST_ALIASED_VALUES ? tooManyAliases() : undefined)
}

/** Lines where documents begin, in one pass over text and events, since a text may hold a million documents. */
function linesOfDocuments(text: string, events: ReturnType<typeof parseEvents>): number[] {
  const lines: number[] = []
  let line = 1
  let counted = 0
  let awaited = false
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      lines.push(line)
      awaited = true
    } else if (awaited) {
      awaited = false
      const start = 'start' in event ? event.start : 'valueStart' in event ? event.valueStart : -1
      for (let at = text.indexOf('\n', counted); at >= 0 && at < start; at = text.indexOf('\n', counted)) {
        line++
        counted = at + 1
      }
      lines[lines.length - 1] = line
    }
  }
  return lines
}

function lineAt(text: string, position: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line++
  return line
}
