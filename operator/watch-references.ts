import type { ClusterView } from './cluster-view.ts'
import { type KubeObject, keyOf, type ObjectMeta, type Resource } from './kube/objects.ts'
import { Store, type Stored } from './kube/store.ts'
import { shortHash } from './reconcile/names.ts'
import { CHILD_RESOURCES } from './reconcile/objects/child.ts'
import { type ReflectScope, reflect } from './reflect.ts'
import type { Mount, TrimmedPod } from './trim.ts'

/** Where certificates and keys lie. */
export const SECRETS: Resource = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' }

const RESOURCES: Readonly<Record<Mount['kind'], Resource>> = { Secret: SECRETS, ConfigMap: CHILD_RESOURCES.ConfigMap }

/** What a watch of references is made of. */
export interface ReferenceWatchOptions extends ReflectScope {
  readonly view: ClusterView
  /** Called with `namespace/name` of a SocketServer whose pods mount something that changed. */
  readonly changed: (key: string) => void
}

/**
 * Keeps of an object its name and its version: the annotations of its metadata are not kept, for `kubectl apply` leaves in
 * one of them what it applied.
 */
const trim = ({ metadata: { name, namespace, resourceVersion } }: KubeObject): Stored => ({
  metadata: { name, namespace, resourceVersion } as ObjectMeta,
})

/**
 * Knows when a Secret or ConfigMap changes that pods mount. The API server is asked for metadata only: what a Secret holds
 * never comes here.
 */
export class ReferenceWatch {
  readonly #options: ReferenceWatchOptions
  readonly #stores: Readonly<Record<Mount['kind'], Store<Stored>>> = { Secret: new Store(), ConfigMap: new Store() }
  /** `kind/namespace/name` to the keys of the pods that mount it. */
  readonly #mountedBy = new Map<string, Set<string>>()
  /** What each pod mounted when it was seen first, by its key. */
  readonly #firstOf = new Map<string, string>()

  constructor(options: ReferenceWatchOptions) {
    this.#options = options
    this.#listen()
  }

  /** Starts watching; the promises end with the signal. */
  watch(): Promise<void>[] {
    return (['Secret', 'ConfigMap'] as const).flatMap((kind) =>
      reflect(this.#options, {
        ...{ resource: RESOURCES[kind], metadataOnly: true, store: this.#stores[kind], trim },
        synced: () => {
          for (const pod of this.#options.view.pods.values()) this.#remember(pod)
        },
      }),
    )
  }

  /** The versions of everything a pod mounts, as short text; undefined: it mounts nothing, or they are not known yet. */
  versionsOf({ metadata: { namespace }, mounts }: TrimmedPod): string | undefined {
    if (mounts.length === 0 || mounts.some(({ kind }) => !this.#stores[kind].synced)) return undefined
    const versions = mounts.map(({ kind, name }) => {
      const found = this.#stores[kind].get(`${namespace}/${name}`)
      return `${kind}/${name}=${found?.metadata.resourceVersion ?? ''}`
    })
    return shortHash(versions.join('\n'))
  }

  /** The versions that a pod began with, as far as was seen: what came later it may not have. */
  firstVersionsOf(pod: TrimmedPod): string | undefined {
    return this.#firstOf.get(keyOf(pod))
  }

  #remember(pod: TrimmedPod): void {
    const key = keyOf(pod)
    const versions = this.#firstOf.has(key) ? undefined : this.versionsOf(pod)
    if (versions !== undefined) this.#firstOf.set(key, versions)
  }

  #listen(): void {
    const { view, changed } = this.#options
    view.pods.listen((key, after, before) => {
      if (after?.metadata.uid !== before?.metadata.uid) this.#firstOf.delete(key)
      if (after !== undefined) this.#remember(after)
      for (const mount of keysOf(before)) {
        const pods = this.#mountedBy.get(mount)
        pods?.delete(key)
        if (pods?.size === 0) this.#mountedBy.delete(mount)
      }
      for (const mount of keysOf(after)) {
        const pods = this.#mountedBy.get(mount) ?? new Set()
        this.#mountedBy.set(mount, pods.add(key))
      }
    })
    for (const kind of ['Secret', 'ConfigMap'] as const)
      this.#stores[kind].listen((key) => {
        const servers = new Set<string>()
        for (const pod of this.#mountedBy.get(`${kind}/${key}`) ?? []) {
          const found = view.pods.get(pod)
          const server = found && view.serverOf(found)
          if (server !== undefined) servers.add(server)
        }
        for (const server of servers) changed(server)
      })
  }
}

const keysOf = (pod: TrimmedPod | undefined): string[] =>
  pod === undefined ? [] : pod.mounts.map(({ kind, name }) => `${kind}/${pod.metadata.namespace}/${name}`)
