import { configHash, type SocketServer } from '../../crds/index.ts'

/** Which configuration runs: what tells one manifest, and one state of it, from another. */
export interface Identity {
  readonly name: string
  /** Empty outside a namespace. */
  readonly namespace: string
  /** `metadata.generation`, 0 when the manifest has none. */
  readonly generation: number
  readonly configHash: string
}

/** Names the configuration a manifest declares. */
export const identityOf = (manifest: SocketServer): Identity => ({
  name: manifest.metadata.name,
  namespace: manifest.metadata.namespace ?? '',
  generation: manifest.metadata.generation ?? 0,
  configHash: configHash(manifest),
})
