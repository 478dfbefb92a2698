import { createHash } from 'node:crypto'
import type { SocketServer, SocketServerSpec } from './v1alpha1/socket-server.ts'

/** JSON with the keys of every object sorted, so that equal values have equal texts. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}

/** Members of `spec` that speak of pods and their Service; the engine does nothing with them. */
type ClusterMember = 'replicas' | 'service' | 'template'

/** What an engine serves: `spec` without what speaks of pods and their Service. */
const servedSpec = ({
  replicas: _replicas,
  service: _service,
  template: _template,
  ...served
}: SocketServerSpec): Omit<SocketServerSpec, ClusterMember> => served

/**
 * The first 16 hexadecimal digits of the SHA-256 of what is to be served, with every default applied: equal exactly when
 * the same is to be served, however the manifest is written.
 */
export const configHash = (manifest: Pick<SocketServer, 'spec'>): string =>
  createHash('sha256')
    .update(canonicalJson(servedSpec(manifest.spec)))
    .digest()
    // A text that is cut off another would keep the whole of it in memory.
    .toString('hex', 0, 8)
