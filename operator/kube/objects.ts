/** `metadata`, as far as this program reads it. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly managedFields?: readonly ManagedFields[]
}

/** Who an object belongs to. */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** Which fields of an object one writer set. */
export interface ManagedFields {
  readonly manager?: string
  readonly operation?: string
  readonly subresource?: string
  readonly fieldsV1?: FieldSet
}

/** Fields in the form of `fieldsV1`: `f:name`, `k:{...}` for an entry of a list, `v:...` for one of a set, `.` for itself. */
export interface FieldSet {
  readonly [field: string]: FieldSet
}

/** Any object, as JSON. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** A kind of object and where it lives. */
export interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
}

/** Asks for the metadata of an object as the answer to a write of which nothing else is read, where the server can leave out the rest. */
export const METADATA_WILL_DO = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'

/** Group of a resource, empty for the core group. */
export const groupOf = ({ apiVersion }: Resource): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''

/** The path of a resource's objects: of one namespace, of all (undefined), and of one object when a name is given. */
export const pathOf = (resource: Resource, namespace?: string, name?: string, subresource?: string): string => {
  const { apiVersion, plural } = resource
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const parts = [
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ]
  return `${base}/${parts.map(encodeURIComponent).join('/')}`
}

/** What one object is called in stores and queues: `namespace/name`. */
export const keyOf = ({ metadata }: { readonly metadata: ObjectMeta }): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`
