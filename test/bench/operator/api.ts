import { kubeconfigCredentials } from '../../../operator/kube/credentials.ts'
import type { KubeObject, Resource } from '../../../operator/kube/objects.ts'
import { pathOf } from '../../../operator/kube/objects.ts'
import { Reflector } from '../../../operator/kube/reflector.ts'
import { Store, type Stored } from '../../../operator/kube/store.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import { systemClock } from '../../../sidecar/base/clock.ts'
import { silentLog } from '../../../sidecar/base/log.ts'

/** What the bench asks of the API server, as an administrator on one connection. */
export interface Api extends AsyncDisposable {
  create(resource: Resource, namespace: string, object: object): Promise<KubeObject>
  get(resource: Resource, namespace: string, name: string): Promise<KubeObject>
  merge(resource: Resource, namespace: string, name: string, patch: object, subresource?: string): Promise<KubeObject>
  /** Watches objects of all namespaces until the bench is over; resolves when the first list is in. */
  watch<T extends Stored>(
    resource: Resource,
    trim: (object: KubeObject) => T,
    seen: (item: T, before: T | undefined) => void,
  ): Promise<void>
}

/** Opens the way to the API server. */
export async function openApi(kubeconfig: string): Promise<Api> {
  const over = new AbortController()
  const transport = new Transport({
    source: kubeconfigCredentials(kubeconfig),
    clock: systemClock,
    userAgent: 'socketserver-bench',
  })
  await transport.request({ method: 'GET', path: '/version' })
  // A busy API server takes its time, and nobody waits for a single answer.
  const timeoutMs = 120_000
  const watches: Promise<void>[] = []
  return {
    create: async (resource, namespace, object) =>
      (await transport.request({
        method: 'POST',
        path: pathOf(resource, namespace),
        body: { apiVersion: resource.apiVersion, kind: resource.kind, ...object },
        timeoutMs,
      })) as KubeObject,
    get: async (resource, namespace, name) =>
      (await transport.request({ method: 'GET', path: pathOf(resource, namespace, name), timeoutMs })) as KubeObject,
    merge: async (resource, namespace, name, body, subresource) =>
      (await transport.request({
        method: 'PATCH',
        path: pathOf(resource, namespace, name, subresource),
        contentType: 'application/merge-patch+json',
        body,
        timeoutMs,
      })) as KubeObject,
    watch: (resource, trim, seen) =>
      new Promise((complete) => {
        const store = new Store<ReturnType<typeof trim>>()
        store.listen((_key, item, before) => {
          if (item !== undefined) seen(item, before)
        })
        const { signal } = over
        const reflector = new Reflector({
          ...{
            transport,
            resource,
            namespace: undefined,
            store,
            trim,
            clock: systemClock,
            log: silentLog,
            signal,
            complete,
          },
        })
        watches.push(reflector.run())
      }),
    async [Symbol.asyncDispose]() {
      over.abort(new Error('the bench is over'))
      await Promise.all(watches)
      await transport.close()
    },
  }
}
