import { createHash } from 'node:crypto'
import type { SocketServer } from '../../crds/index.ts'

/** Which configuration runs: what tells one manifest, and one state of it, from another. */
export interface Identity {
  readonly name: string
  /** Empty outside a namespace. */
  readonly namespace: string
  /** `metadata.generation`, 0 when the manifest has none. */
  readonly generation: number
  readonly configHash: string
}

/** JSON with the keys of every object sorted, so that equal values have equal texts. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}

/**
 * The first 16 hexadecimal digits of the SHA-256 of `spec` with every default applied: equal exactly when the same is
 * to be served, however the manifest is written.
 */
export const configHash = (manifest: SocketServer): string =>
  createHash('sha256').update(canonical(manifest.spec)).digest('hex').slice(0, 16)

/** Names the configuration a manifest declares. */
export const identityOf = (manifest: SocketServer): Identity => ({
  name: manifest.metadata.name,
  namespace: manifest.metadata.namespace ?? '',
  generation: manifest.metadata.generation ?? 0,
  configHash: configHash(manifest),
})
