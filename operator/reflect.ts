import type { SteadyClock } from '../sidecar/base/clock.ts'
import type { Log } from '../sidecar/base/log.ts'
import type { KubeObject, Resource } from './kube/objects.ts'
import { Reflector } from './kube/reflector.ts'
import type { Store, Stored } from './kube/store.ts'
import type { Transport } from './kube/transport.ts'

/** Where objects are watched, and until when. */
export interface ReflectScope {
  readonly transport: Transport
  /** Empty: every namespace. */
  readonly namespaces: readonly string[]
  readonly clock: SteadyClock
  readonly log: Log
  readonly signal: AbortSignal
}

/** Which objects are watched, and what is kept of them. */
export interface ReflectWhat<T extends Stored> {
  readonly resource: Resource
  readonly labelSelector?: string
  readonly metadataOnly?: boolean
  readonly store: Store<T>
  readonly trim: (object: KubeObject) => T
  /** Called once, when every first list is in. */
  readonly synced?: () => void
}

/** Keeps a store equal to what is in the cluster, or in each of the namespaces; the promises end with the signal. */
export function reflect<T extends Stored>(
  { transport, namespaces, clock, log, signal }: ReflectScope,
  what: ReflectWhat<T>,
): Promise<void>[] {
  const parts = namespaces.length === 0 ? [undefined] : namespaces
  let waiting = parts.length
  const complete = () => {
    waiting -= 1
    if (waiting > 0) return
    what.store.synced = true
    what.synced?.()
  }
  return parts.map((namespace) => new Reflector({ transport, namespace, ...what, clock, log, signal, complete }).run())
}
