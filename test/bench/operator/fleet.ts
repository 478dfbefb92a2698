import type { Condition } from '../../../crds/index.ts'
import { SOCKET_SERVERS } from '../../../operator/cluster-view.ts'
import type { KubeObject } from '../../../operator/kube/objects.ts'
import type { Api } from './api.ts'
import { sampleSpec } from './sample-server.ts'

interface Seen {
  readonly generation: number
  readonly isReady: boolean
  readonly message: string
}

/** Whether its present generation is told to be ready, and what is told. */
export function readinessOf({ metadata, ...rest }: KubeObject): Seen {
  const { conditions = [] } = (rest['status'] ?? {}) as { readonly conditions?: readonly Condition[] }
  const ready = conditions.find(({ type }) => type === 'Ready')
  const { generation = 0 } = metadata
  const isReady = ready?.status === 'True' && ready.observedGeneration === generation
  return { generation, isReady, message: ready?.message ?? 'it has no status' }
}

/** The SocketServers of the bench: makes them, changes them, and sees when their status says that it is done. */
export class Fleet {
  readonly #api: Api
  readonly #namespace: string
  readonly #seen = new Map<string, Seen>()
  readonly #awaited = new Map<string, { readonly generation: number; readonly shown: () => void }>()

  private constructor(api: Api, namespace: string) {
    this.#api = api
    this.#namespace = namespace
  }

  /** Begins to watch. */
  static async open(api: Api, namespace: string): Promise<Fleet> {
    const fleet = new Fleet(api, namespace)
    await api.watch(
      SOCKET_SERVERS,
      (object) => ({ metadata: object.metadata, readiness: readinessOf(object) }),
      ({ metadata: { name }, readiness }) => {
        fleet.#seen.set(name, readiness)
        fleet.#settle(name)
      },
    )
    return fleet
  }

  /** How many are awaited to be ready. */
  get pending(): number {
    return this.#awaited.size
  }

  /** One that is awaited, and what it tells; undefined when none is. */
  get late(): { readonly name: string; readonly message: string } | undefined {
    const [name] = this.#awaited.keys()
    return name === undefined ? undefined : { name, message: this.#seen.get(name)?.message ?? 'it was not seen' }
  }

  /** Makes one; `ready` resolves when its status says so. */
  async create(name: string): Promise<{ readonly ready: Promise<void> }> {
    const made = await this.#api.create(SOCKET_SERVERS, this.#namespace, { metadata: { name }, spec: sampleSpec('') })
    return { ready: this.#shown(name, made.metadata.generation ?? 1) }
  }

  /** Gives one another banner, which concerns every pod and restarts none; `ready` as above. */
  async change(name: string, banner: string): Promise<{ readonly ready: Promise<void> }> {
    const made = await this.#api.merge(SOCKET_SERVERS, this.#namespace, name, { spec: { banner } })
    return { ready: this.#shown(name, made.metadata.generation ?? 1) }
  }

  /** Milliseconds from asking for a change to the status that shows it. */
  async timeOfChange(name: string, banner: string): Promise<number> {
    const from = performance.now()
    const { ready } = await this.change(name, banner)
    await ready
    return performance.now() - from
  }

  #shown(name: string, generation: number): Promise<void> {
    return new Promise((shown) => {
      this.#awaited.set(name, { generation, shown })
      this.#settle(name)
    })
  }

  #settle(name: string): void {
    const awaited = this.#awaited.get(name)
    const seen = this.#seen.get(name)
    if (awaited === undefined || seen === undefined || seen.generation < awaited.generation || !seen.isReady) return
    this.#awaited.delete(name)
    awaited.shown()
  }
}
