import type { Resource } from './kube/objects.ts'
import { Store, type Stored } from './kube/store.ts'
import { instanceOf, MANAGED_BY } from './reconcile/names.ts'
import { CHILD_KINDS, CHILD_RESOURCES, type ChildKind } from './reconcile/objects/child.ts'
import { type ReflectScope, reflect } from './reflect.ts'
import { CHILD_TRIMS, type TrimmedChild, type TrimmedPod, type TrimmedServer, trimPod, trimServer } from './trim.ts'

/** The resource that is reconciled. */
export const SOCKET_SERVERS: Resource = {
  apiVersion: 'icshosts.io/v1alpha1',
  kind: 'SocketServer',
  plural: 'socketservers',
}

/** The pods that the Deployments make. */
export const PODS: Resource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' }

/** What a view watches. */
export interface ViewOptions extends ReflectScope {
  /** Called with `namespace/name` of a SocketServer of which something changed. */
  readonly changed: (key: string) => void
  /** Called when a SocketServer is gone. */
  readonly gone: (key: string) => void
}

/** What the operator sees of the cluster: SocketServers, their children and their pods, each trimmed to what is used. */
export class ClusterView {
  readonly servers = new Store<TrimmedServer>()
  readonly children: Readonly<Record<ChildKind, Store<TrimmedChild>>>
  readonly pods = new Store<TrimmedPod>()
  readonly #options: ViewOptions
  /** `namespace/instance` to the key of the SocketServer. */
  readonly #byInstance = new Map<string, string>()
  /** `namespace/instance` to the keys of its pods. */
  readonly #podsOf = new Map<string, readonly string[]>()

  constructor(options: ViewOptions) {
    this.#options = options
    const stores = CHILD_KINDS.map((kind) => [kind, new Store<TrimmedChild>()] as const)
    this.children = Object.fromEntries(stores) as Record<ChildKind, Store<TrimmedChild>>
    this.#listen()
  }

  /** Whether every first list is in. */
  get synced(): boolean {
    return this.#stores().every((store) => store.synced)
  }

  /** The pods of a SocketServer, by name. */
  podsOf(namespace: string, name: string): TrimmedPod[] {
    const keys = this.#podsOf.get(`${namespace}/${instanceOf(name)}`) ?? []
    return keys.flatMap((key) => this.pods.get(key) ?? [])
  }

  /** The SocketServer a pod belongs to, as `namespace/name`; undefined: it is not known. */
  serverOf({ metadata: { namespace = '' }, instance }: TrimmedPod): string | undefined {
    return this.#byInstance.get(`${namespace}/${instance}`)
  }

  /** Starts watching; the promises end with the signal. */
  watch(): Promise<void>[] {
    const labelSelector = `app.kubernetes.io/managed-by=${MANAGED_BY}`
    return [
      ...reflect(this.#options, { resource: SOCKET_SERVERS, store: this.servers, trim: trimServer }),
      ...CHILD_KINDS.flatMap((kind) =>
        reflect(this.#options, {
          ...{ resource: CHILD_RESOURCES[kind], labelSelector },
          ...{ store: this.children[kind], trim: CHILD_TRIMS[kind] },
        }),
      ),
      ...reflect(this.#options, { resource: PODS, labelSelector, store: this.pods, trim: trimPod }),
    ]
  }

  #indexPod(key: string, pod: TrimmedPod | undefined, isThere: boolean): void {
    if (pod === undefined) return
    const index = `${pod.metadata.namespace ?? ''}/${pod.instance}`
    const others = (this.#podsOf.get(index) ?? []).filter((one) => one !== key)
    const keys = isThere ? [...others, key].sort() : others
    if (keys.length === 0) this.#podsOf.delete(index)
    else this.#podsOf.set(index, keys)
  }

  #stores(): readonly Store<Stored>[] {
    return [this.servers, this.pods, ...Object.values(this.children)] as unknown as Store<Stored>[]
  }

  #listen(): void {
    const { changed, gone } = this.#options
    this.servers.listen((key, after, before) => {
      const item = after ?? before
      if (item === undefined) return
      const { namespace = '', name } = item.metadata
      const index = `${namespace}/${instanceOf(name)}`
      if (after === undefined) {
        this.#byInstance.delete(index)
        gone(key)
        return
      }
      this.#byInstance.set(index, key)
      // Our own reports change nothing that is to be done.
      const isSame =
        before !== undefined &&
        before.metadata.uid === after.metadata.uid &&
        before.metadata.generation === after.metadata.generation &&
        before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
        JSON.stringify(before.metadata.annotations) === JSON.stringify(after.metadata.annotations) &&
        // A store that was set back gives a generation out a second time, for something else.
        before.specHash === after.specHash
      if (!isSame) changed(key)
    })
    for (const store of Object.values(this.children))
      store.listen((_key, after, before) => {
        const item = after ?? before
        if (item !== undefined && item.ownerName !== '') changed(`${item.metadata.namespace ?? ''}/${item.ownerName}`)
      })
    this.pods.listen((key, after, before) => {
      const item = after ?? before
      if (item === undefined) return
      if (after?.instance !== before?.instance) {
        this.#indexPod(key, before, false)
        this.#indexPod(key, after, true)
      }
      const server = this.serverOf(item)
      const isNews = after === undefined || before === undefined || differs(before, after)
      if (server !== undefined && isNews) changed(server)
    })
  }
}

/** Whether a pod changed in a way that matters; its version alone does not. */
const differs = (before: TrimmedPod, after: TrimmedPod): boolean =>
  JSON.stringify({ ...before, metadata: before.metadata.deletionTimestamp, nudge: '' }) !==
  JSON.stringify({ ...after, metadata: after.metadata.deletionTimestamp, nudge: '' })
