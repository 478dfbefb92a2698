import { type ApiError, isRefusal } from './api-error.ts'
import { type KubeObject, METADATA_WILL_DO, pathOf, type Resource } from './objects.ts'
import type { Transport } from './transport.ts'

/** The name under which this program owns fields. */
export const FIELD_MANAGER = 'socketserver-operator'

/** Owns the number of replicas where nobody declared it, so that an autoscaler can take it over without a conflict. */
export const INITIAL_MANAGER = `${FIELD_MANAGER}-initial`

/** Fields that somebody else owns. */
export interface Taken {
  readonly manager: string
  readonly field: string
}

/** Another manager applies other values to the same fields; nothing was written. */
export class TakenError extends Error {
  readonly taken: readonly Taken[]

  constructor(taken: readonly Taken[]) {
    super(taken.map(({ manager, field }) => `"${manager}" owns ${field}`).join(', '))
    this.name = 'TakenError'
    this.taken = taken
  }
}

const MANAGER = /conflict with "((?:[^"\\]|\\.)*)"(?: with subresource "([^"]*)")?( using )?/

interface Conflict extends Taken {
  /** Whether they declare the field, as we do, or once wrote it. */
  readonly isLasting: boolean
}

/** Who holds the fields of a conflict, from the refusal of an apply. */
export const conflictsOf = (error: ApiError): Conflict[] =>
  error.causes.flatMap(({ reason, message = '', field = '' }) => {
    if (reason !== 'FieldManagerConflict') return []
    const [, manager = '', subresource, using] = MANAGER.exec(message) ?? []
    if (manager.startsWith(FIELD_MANAGER)) return [{ manager, field, isLasting: false }]
    // An edit by hand is drift and is undone. Who applies, or scales as a controller, would do it again and again.
    const isAutoscaler = subresource === 'scale' && manager === 'kube-controller-manager'
    return [{ manager, field, isLasting: using === undefined || isAutoscaler }]
  })

/** Writes to the API server, as long as this process may. */
export class Writer {
  readonly #transport: Transport
  /** Throws when writing is not allowed now; its signal ends what is under way when it no longer is. */
  readonly #permit: () => AbortSignal

  constructor(transport: Transport, permit: () => AbortSignal) {
    this.#transport = transport
    this.#permit = permit
  }

  /**
   * Declares the fields of an object as ours (server-side apply). Values that were edited by hand are put back; fields that
   * another manager declares are left alone.
   *
   * @throws TakenError when another manager declares one of the fields with another value
   * @throws ApiError when it is refused
   */
  async apply(
    resource: Resource,
    object: KubeObject,
    subresource?: string,
    manager = FIELD_MANAGER,
  ): Promise<KubeObject> {
    try {
      return await this.#apply(resource, object, subresource, manager, false)
    } catch (error) {
      if (!isRefusal(error, 409)) throw error
      const conflicts = conflictsOf(error)
      if (conflicts.length === 0) throw error
      const lasting = conflicts.filter(({ isLasting }) => isLasting)
      if (lasting.length > 0) throw new TakenError(lasting)
      return await this.#apply(resource, object, subresource, manager, true)
    }
  }

  async #apply(
    resource: Resource,
    object: KubeObject,
    subresource: string | undefined,
    manager: string,
    force: boolean,
  ): Promise<KubeObject> {
    const { namespace, name } = object.metadata
    const answer = await this.#transport.request({
      method: 'PATCH',
      path: pathOf(resource, namespace, name, subresource),
      query: { fieldManager: manager, force: String(force) },
      contentType: 'application/apply-patch+yaml',
      body: { ...object, apiVersion: resource.apiVersion, kind: resource.kind },
      signal: this.#permit(),
    })
    return answer as KubeObject
  }

  /** Sets annotations of an object that is not ours. */
  async annotate(
    resource: Resource,
    namespace: string,
    name: string,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    await this.#transport.request({
      method: 'PATCH',
      path: pathOf(resource, namespace, name),
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations } },
      // The whole object comes by the watch.
      accept: METADATA_WILL_DO,
      signal: this.#permit(),
    })
  }
}
