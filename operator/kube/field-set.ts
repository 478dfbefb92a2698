import { hash } from 'node:crypto'
import { canonicalJson } from '../../crds/index.ts'
import type { FieldSet, KubeObject } from './objects.ts'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The part of a value that a set of fields speaks of; undefined when nothing of it is there. */
export function project(value: unknown, fields: FieldSet): unknown {
  const inner = Object.entries(fields).filter(([name]) => name !== '.')
  // Without fields of its own it is owned as a whole; with "." alone it is an empty object or list.
  if (inner.length === 0)
    return '.' in fields ? (Array.isArray(value) ? [] : value === undefined ? undefined : {}) : value
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const own = inner.find(([name]) => isNamed(item, name))
      if (own === undefined) return []
      return [own[0].startsWith('v:') ? item : project(item, own[1])]
    })
  if (!isObject(value)) return undefined
  const out: Record<string, unknown> = {}
  for (const [name, below] of inner) {
    const key = name.slice(2)
    const own = name.startsWith('f:') && Object.hasOwn(value, key) ? project(value[key], below) : undefined
    if (own !== undefined) out[key] = own
  }
  return out
}

/** Whether `k:{"name":"x"}` or `v:"x"` names that entry of a list. */
function isNamed(item: unknown, name: string): boolean {
  try {
    const wanted: unknown = JSON.parse(name.slice(2))
    if (name.startsWith('v:')) return item === wanted
    return isObject(wanted) && isObject(item) && Object.entries(wanted).every(([key, one]) => item[key] === one)
  } catch {
    return false
  }
}

/** Bytes of a hash that tell two objects apart. */
const HASH_BYTES = 16

// A text that is cut off another would keep the whole of it in memory.
const hashOf = (value: unknown): string =>
  hash('sha256', canonicalJson(value), 'buffer').toString('base64url', 0, HASH_BYTES)

/** What one field manager has applied to an object, as a short text: it changes when any of these fields changes. */
export const ownedFingerprint = (object: KubeObject, manager: string): string => {
  const entry = object.metadata.managedFields?.find(
    (one) => one.manager === manager && one.operation === 'Apply' && one.subresource === undefined,
  )
  return entry?.fieldsV1 === undefined ? '' : hashOf(project(object, entry.fieldsV1))
}

/** What {@link ownedFingerprint} is of an object that was applied as it stands and is kept as it was sent. */
export const desiredFingerprint = ({ apiVersion: _a, kind: _k, metadata, ...rest }: KubeObject): string => {
  const { name: _n, namespace: _ns, ...meta } = metadata
  return hashOf({ ...(Object.keys(meta).length === 0 ? {} : { metadata: meta }), ...rest })
}

/** Whether a manager has applied the field at that path, for example `['spec', 'replicas']`. */
export const ownsField = (object: KubeObject, manager: string, path: readonly string[]): boolean => {
  let at = object.metadata.managedFields?.find(
    (one) => one.manager === manager && one.operation === 'Apply' && one.subresource === undefined,
  )?.fieldsV1
  for (const name of path) at = at?.[`f:${name}`]
  return at !== undefined
}
