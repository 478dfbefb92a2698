import { QUANTITY } from './patterns.ts'
import { formatPath, oneOf, type Path, quote } from './problem.ts'
import { add, addProblem, lose, type Reading, suggest } from './reading.ts'
import type { MapBounds } from './rules.ts'
import type { Field, Shape } from './shape.ts'

/** Reads a value by its shape and gives it back frozen, with defaults applied; undefined when nothing usable stands there. */
export function read(reading: Reading, shape: Shape, raw: unknown, path: Path): unknown {
  const value = readValue(reading, shape, raw, path)
  if (value !== undefined) for (const rule of shape.rules) reading.pending.push({ rule, value, path })
  return value
}

function readValue(reading: Reading, shape: Shape, raw: unknown, path: Path): unknown {
  switch (shape.kind) {
    case 'object':
      if (!isObject(raw))
        return lose(reading, path, 'type', `is ${nameOf(raw)} where an object is needed`, objectCure(path))
      return readObject(reading, shape.fields, raw, path)
    case 'list':
      if (!Array.isArray(raw))
        return lose(
          reading,
          path,
          'type',
          `is ${nameOf(raw)} where a list is needed`,
          'write a list: one entry a line, each after "- "',
        )
      return readList(reading, shape, raw, path)
    case 'map':
      if (!isObject(raw))
        return lose(reading, path, 'type', `is ${nameOf(raw)} where an object is needed`, objectCure(path))
      return readMap(reading, shape.bounds, raw, path)
    case 'string':
      return readString(reading, shape, raw, path)
    case 'integer':
      return readInteger(reading, shape, raw, path)
    case 'boolean':
      if (typeof raw === 'boolean') return raw
      return lose(
        reading,
        path,
        'type',
        `is ${nameOf(raw)} where true or false is needed`,
        'write true or false, without quotes',
      )
    case 'choice':
      return readChoice(reading, shape.values, raw, path)
    case 'ignored':
      return undefined
  }
}

function readObject(
  reading: Reading,
  fields: ReadonlyMap<string, Field>,
  raw: Record<string, unknown>,
  path: Path,
): unknown {
  const misspelt = new Set<string>()
  for (const key of Object.keys(raw)) if (!fields.has(key)) reportUnknown(reading, fields, raw, key, path, misspelt)
  const out: Record<string, unknown> = {}
  for (const field of fields.values()) {
    const own = Object.hasOwn(raw, field.name) ? raw[field.name] : undefined
    const at = [...path, field.name]
    if (own !== undefined && own !== null) {
      const value = read(reading, field.shape, own, at)
      if (value !== undefined) out[field.name] = value
    } else if (misspelt.has(field.name)) {
      reading.lost.add(formatPath(at))
    } else if (field.required) {
      lose(
        reading,
        at,
        'required',
        `${field.name} is missing`,
        `add ${field.name}: ${firstSentence(field.description)}`,
      )
    } else if (field.default !== undefined) {
      out[field.name] = read(reading, field.shape, field.default, at)
    }
  }
  return Object.freeze(out)
}

function readList(reading: Reading, shape: Shape & { kind: 'list' }, raw: readonly unknown[], path: Path): unknown {
  if (raw.length < shape.min)
    add(
      reading,
      path,
      'too-few',
      `has ${raw.length} entries, fewer than ${shape.min}`,
      `add ${shape.min === 1 ? 'an entry' : 'entries'}`,
    )
  if (raw.length > shape.max)
    add(
      reading,
      path,
      'too-many',
      `has ${raw.length} entries, more than ${shape.max}`,
      `keep ${shape.max} of them, or spread them over several resources`,
    )
  // What is beyond the maximum is not judged, so that no input costs more than the contract allows.
  const out = raw.slice(0, shape.max).map((item, index) => read(reading, shape.item, item, [...path, index]))
  if (shape.unique.type !== 'atomic')
    reportDuplicates(reading, shape.unique.type === 'map' ? shape.unique.keys : [], out, path)
  return Object.freeze(out)
}

function readMap(reading: Reading, bounds: MapBounds | undefined, raw: Record<string, unknown>, path: Path): unknown {
  const out: Record<string, unknown> = {}
  // As in an object, a null entry of a map counts as absent.
  const entries = Object.entries(raw).filter(([, value]) => value !== null && value !== undefined)
  if (bounds !== undefined && entries.length > bounds.max)
    add(
      reading,
      path,
      'too-many',
      `has ${entries.length} entries, more than ${bounds.max}`,
      `keep ${bounds.max} of them`,
    )
  for (const [key, value] of bounds === undefined ? entries : entries.slice(0, bounds.max)) {
    const at = [...path, key]
    const text = bounds?.quantities && Number.isInteger(value) ? String(value) : value
    if (typeof text !== 'string') {
      lose(reading, at, 'type', `is ${nameOf(value)} where text is needed`, 'put the value in quotes')
      continue
    }
    if (bounds !== undefined && lengthOf(text, bounds.maxLength) > bounds.maxLength)
      add(reading, at, 'too-long', `is text longer than ${bounds.maxLength} characters`, 'shorten it')
    else if (bounds?.quantities && !QUANTITY.pattern.test(text))
      addProblem(reading, at, QUANTITY.id, `${quote(text)} is not ${QUANTITY.needs}`, QUANTITY.cure)
    Object.defineProperty(out, key, { value: text, enumerable: true, configurable: true, writable: true })
  }
  return Object.freeze(out)
}

function readString(reading: Reading, shape: Shape & { kind: 'string' }, raw: unknown, path: Path): unknown {
  if (typeof raw !== 'string') {
    // What the person wrote (no, 0755) is gone by now, so it cannot be shown in quotes.
    const cure =
      typeof raw === 'boolean'
        ? 'put it in quotes: YAML reads yes, no, on, off, y and n as true or false'
        : typeof raw === 'number'
          ? 'put it in quotes'
          : 'write text'
    return lose(reading, path, 'type', `is ${nameOf(raw)} where text is needed`, cure)
  }
  // As the API server counts: characters, and not the halves some of them consist of in JavaScript.
  const length = raw.length <= shape.max && raw.length >= shape.min ? raw.length : lengthOf(raw, shape.max)
  if (length < shape.min)
    add(
      reading,
      path,
      'too-short',
      `has ${length} characters, fewer than ${shape.min}`,
      shape.min === 1 ? 'write something, or remove the field' : 'lengthen it',
    )
  else if (length > shape.max)
    add(reading, path, 'too-long', `is text longer than ${shape.max} characters`, 'shorten it')
  else {
    for (const named of shape.patterns) {
      if (named.pattern.test(raw)) continue
      const told = named.explain?.(raw)
      addProblem(
        reading,
        path,
        told?.id ?? named.id,
        told?.message ?? `${quote(raw)} is not ${named.needs}`,
        told?.cure ?? named.cure,
      )
      break
    }
  }
  return raw
}

function readInteger(reading: Reading, shape: Shape & { kind: 'integer' }, raw: unknown, path: Path): unknown {
  if (typeof raw !== 'number' || !Number.isInteger(raw)) {
    const digits = typeof raw === 'string' && /^[0-9]{1,9}$/.test(raw)
    return lose(
      reading,
      path,
      'type',
      `is ${nameOf(raw)} where a whole number is needed`,
      digits ? `write ${raw} without quotes` : `write a number from ${shape.min} to ${shape.max}`,
    )
  }
  const range = `write a number from ${shape.min} to ${shape.max}`
  if (raw < shape.min) add(reading, path, 'too-small', `is below ${shape.min}`, range)
  if (raw > shape.max) add(reading, path, 'too-big', `is above ${shape.max}`, range)
  return raw
}

function readChoice(reading: Reading, values: readonly (string | number)[], raw: unknown, path: Path): unknown {
  if (values.includes(raw as string)) return raw
  const text = typeof raw === 'string' || typeof raw === 'number' ? String(raw) : undefined
  const near = text === undefined ? undefined : suggest(reading, text, values.map(String))
  const known = oneOf(values)
  const wanted = values.length === 1 ? `must be ${known}` : `is none of the known values`
  const cure =
    near === undefined
      ? `write ${known}`
      : values.length === 1
        ? `write ${near}`
        : `did you mean ${near}? Known: ${known}`
  const wrongType = typeof raw !== typeof values[0]
  return lose(
    reading,
    path,
    wrongType ? 'type' : 'unknown-value',
    wrongType ? `is ${nameOf(raw)} where ${typeof values[0] === 'string' ? 'text' : 'a number'} is needed` : wanted,
    cure,
  )
}

function reportUnknown(
  reading: Reading,
  fields: ReadonlyMap<string, Field>,
  raw: Record<string, unknown>,
  key: string,
  path: Path,
  misspelt: Set<string>,
): void {
  const free = [...fields.keys()].filter((name) => !Object.hasOwn(raw, name))
  // What is meant is most likely a field that is absent; else the person wrote it twice.
  const near = suggest(reading, key, free) ?? suggest(reading, key, [...fields.keys()])
  if (near !== undefined) misspelt.add(near)
  const parent = path.length === 0 ? 'a SocketServer' : formatPath(path)
  const known = [...fields.values()].filter((field) => field.shape.kind !== 'ignored').map((field) => field.name)
  addProblem(
    reading,
    [...path, key],
    'unknown-field',
    `${quote(key)} is not a field of ${parent}`,
    near === undefined ? `remove it; the fields are ${known.join(', ')}` : `did you mean ${near}?`,
  )
}

function reportDuplicates(reading: Reading, keys: readonly string[], items: readonly unknown[], path: Path): void {
  const seen = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const parts = keys.length === 0 ? [item] : keys.map((key) => (item as Record<string, unknown> | undefined)?.[key])
    if (parts.includes(undefined)) continue
    const identity = JSON.stringify(parts)
    const first = seen.get(identity)
    if (first === undefined) {
      seen.set(identity, index)
      continue
    }
    const at = keys.length === 0 ? [...path, index] : [...path, index, keys[0]!]
    const before = formatPath([...path, first])
    addProblem(
      reading,
      at,
      'duplicate',
      `${quote(parts[0])} is already used by ${before}`,
      keys.length === 0 ? 'remove one of the two' : `give each its own ${keys.join(' and ')}`,
    )
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'true or false'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number'
  return `a ${typeof value}`
}

function objectCure(path: Path): string {
  return path.length === 0 ? 'write apiVersion, kind, metadata and spec' : 'write its fields below it, indented'
}

function lengthOf(text: string, max: number): number {
  // Each character is at most two units: what is longer than that is too long without counting.
  if (text.length > 2 * max) return text.length
  return [...text].length
}

function firstSentence(text: string): string {
  return text.split(/(?<=[a-z0-9)"])[.:;] /)[0]!.replace(/\.$/, '')
}
