import { RECHECK_ANNOTATION } from '../../../crds/index.ts'
import type { KubeObject, ObjectMeta } from '../../kube/objects.ts'
import { childObject, type Parent } from './child.ts'

/** The entry of the ConfigMap that the engine reads. */
const MANIFEST_KEY = 'socketserver.json'

/** What a ConfigMap can hold, with room for its metadata. */
const MOST_BYTES = 1_000_000

/** A SocketServer as the API server has it. */
export interface RawParent {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec: Readonly<Record<string, unknown>>
}

/**
 * The manifest the engines serve: the specification as it is declared, without what speaks of pods, so that an engine of
 * another version than the operator reads what the person wrote and nothing that was added here.
 */
export const manifestText = ({ apiVersion, kind, metadata, spec }: RawParent): string => {
  const { replicas: _replicas, service: _service, template: _template, ...served } = spec
  const recheck = metadata.annotations?.[RECHECK_ANNOTATION]
  return JSON.stringify({
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      generation: metadata.generation,
      ...(recheck === undefined ? {} : { annotations: { [RECHECK_ANNOTATION]: recheck } }),
    },
    spec: served,
  })
}

/** Whether a manifest fits into a ConfigMap. */
export const fitsConfigMap = (manifest: string): boolean => Buffer.byteLength(manifest) <= MOST_BYTES

/** Annotation of the ConfigMap: the generation of the SocketServer that its configuration is of. */
export const GENERATION_ANNOTATION = 'icshosts.io/generation'

/** The configuration of the engines. */
export const configMapOf = (parent: Parent, manifest: string): KubeObject => {
  const annotations = { [GENERATION_ANNOTATION]: String(parent.metadata.generation ?? 0) }
  return childObject('ConfigMap', parent, { data: { [MANIFEST_KEY]: manifest } }, annotations)
}

/** The same configuration as of another generation. */
export const ofGeneration = (configMap: KubeObject, generation: string): KubeObject => {
  const { metadata, data } = configMap as KubeObject & { readonly data: Readonly<Record<string, string>> }
  const manifest = JSON.parse(data[MANIFEST_KEY] ?? '{}') as KubeObject
  const served = { ...manifest, metadata: { ...manifest.metadata, generation: Number(generation) } }
  return {
    ...configMap,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [GENERATION_ANNOTATION]: generation } },
    data: { ...data, [MANIFEST_KEY]: JSON.stringify(served) },
  }
}
