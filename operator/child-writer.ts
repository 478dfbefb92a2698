import type { Clock } from '../sidecar/base/clock.ts'
import type { ClusterView } from './cluster-view.ts'
import { ApiError, isRefusal, isTransient } from './kube/api-error.ts'
import { FIELD_MANAGER, INITIAL_MANAGER, TakenError, type Writer } from './kube/apply.ts'
import { desiredFingerprint } from './kube/field-set.ts'
import { type KubeObject, keyOf, pathOf } from './kube/objects.ts'
import type { Transport } from './kube/transport.ts'
import type { ChildTrouble } from './reconcile/facts.ts'
import { childName } from './reconcile/names.ts'
import { CHILD_KINDS, CHILD_RESOURCES, type ChildKind, type Parent } from './reconcile/objects/child.ts'
import { ofGeneration } from './reconcile/objects/config-map.ts'
import { INITIAL_REPLICAS } from './reconcile/objects/deployment.ts'
import { CHILD_TRIMS, type TrimmedChild, trimChild } from './trim.ts'

/** What is remembered of the children of one SocketServer. */
export interface ChildMemory {
  /** What was declared, and what the API server made of it, where it writes values in another form. */
  readonly applied: Partial<Record<ChildKind, { readonly desired: string; readonly live: string }>>
  /** What could not be written, so that it is not tried again and again. */
  readonly refused: Partial<Record<ChildKind, Refused>>
  /** What all children were last made of, and the fingerprints they had then; undefined: not all are as declared. */
  whole: { readonly of: object; readonly fingerprints: string } | undefined
}

interface Refused {
  readonly desired: string
  readonly seen: string
  readonly at: number
  readonly trouble: ChildTrouble
}

/** What children are to be. */
export interface Declaration {
  readonly parent: Pick<Parent, 'metadata'>
  /** What they are made of: the same object as long as they are to be the same. */
  readonly of: object
  readonly make: () => Readonly<Record<ChildKind, KubeObject>>
}

/** An empty memory. */
export const createChildMemory = (): ChildMemory => ({ applied: {}, refused: {}, whole: undefined })

/** What became of one child: as declared with that fingerprint, or refused; neither: it is going, and made anew when it is gone. */
interface Written {
  readonly fingerprint?: string
  readonly trouble?: ChildTrouble
}

/** Milliseconds after which a refused write is tried again although nothing changed: a quota may have been raised. */
const REFUSED_MS = 30_000

/** Writes children: those that are not as declared, and no others. */
export class ChildWriter {
  readonly #view: ClusterView
  readonly #transport: Transport
  readonly #writer: Writer
  readonly #clock: Clock

  constructor(view: ClusterView, transport: Transport, writer: Writer, clock: Clock) {
    this.#view = view
    this.#transport = transport
    this.#writer = writer
    this.#clock = clock
  }

  /**
   * Makes the children what they are to be. What the cluster refuses is returned, and the others are written all the same.
   *
   * @throws when the API server is away or busy
   */
  async write({ parent, of, make }: Declaration, memory: ChildMemory): Promise<ChildTrouble[]> {
    const { uid = '', namespace = '', name } = parent.metadata
    const { whole } = memory
    if (whole?.of === of && whole.fingerprints === this.#fingerprints(`${namespace}/${childName(name)}`, uid)) return []
    memory.whole = undefined
    const desired = make()
    const states: Written[] = []
    for (const kind of CHILD_KINDS) states.push(await this.#writeOne(kind, uid, desired[kind], memory))
    const fingerprints = states.flatMap(({ fingerprint }) => fingerprint ?? [])
    if (fingerprints.length === states.length) memory.whole = { of, fingerprints: fingerprints.join(' ') }
    return states.flatMap(({ trouble }) => trouble ?? [])
  }

  /** The children as they are; undefined when one is missing, going or not ours. */
  #fingerprints(key: string, ownerUid: string): string | undefined {
    const found: string[] = []
    for (const kind of CHILD_KINDS) {
      const live = this.#view.children[kind].get(key)
      if (live?.ownerUid !== ownerUid || live.metadata.deletionTimestamp !== undefined) return undefined
      found.push(live.fingerprint)
    }
    return found.join(' ')
  }

  async #writeOne(kind: ChildKind, ownerUid: string, desired: KubeObject, memory: ChildMemory): Promise<Written> {
    const live = this.#view.children[kind].get(keyOf(desired))
    const wanted = desiredFingerprint(desired)
    const applied = memory.applied[kind]
    const isOurs = live?.ownerUid === ownerUid
    if (isOurs && live.metadata.deletionTimestamp !== undefined) return {}
    if (isOurs && (live.fingerprint === wanted || (applied?.desired === wanted && applied.live === live.fingerprint)))
      return { fingerprint: live.fingerprint }
    // A generation that changes nothing of what is served needs no other configuration.
    if (isOurs && live.generation !== undefined)
      if (live.fingerprint === desiredFingerprint(ofGeneration(desired, live.generation)))
        return { fingerprint: live.fingerprint }
    const seen = `${live?.metadata.uid} ${live?.fingerprint}`
    const refused = memory.refused[kind]
    const isKnown = refused?.desired === wanted && refused.seen === seen
    if (isKnown && this.#clock.now() - refused.at < REFUSED_MS) return { trouble: refused.trouble }
    const refuse = (trouble: ChildTrouble): Written => {
      memory.refused[kind] = { desired: wanted, seen, at: this.#clock.now(), trouble }
      return { trouble }
    }
    try {
      const foreign = isOurs ? undefined : await this.#findForeign(kind, desired, ownerUid)
      if (foreign !== undefined) return refuse(foreign)
      const { fingerprint } = await this.#apply(kind, desired, live)
      if (fingerprint === wanted) delete memory.applied[kind]
      else memory.applied[kind] = { desired: wanted, live: fingerprint }
      delete memory.refused[kind]
      return { fingerprint }
    } catch (error) {
      const trouble = troubleOf(kind, desired.metadata.name, error)
      if (trouble === undefined) throw error
      return refuse(trouble)
    }
  }

  /** Whether an object of that name is there and is not ours: declaring fields of it would make it ours. */
  async #findForeign(kind: ChildKind, desired: KubeObject, ownerUid: string): Promise<ChildTrouble | undefined> {
    const { namespace, name } = desired.metadata
    let found: KubeObject
    try {
      const path = pathOf(CHILD_RESOURCES[kind], namespace, name)
      found = (await this.#transport.request({ method: 'GET', path })) as KubeObject
    } catch (error) {
      if (isRefusal(error, 404)) return undefined
      throw error
    }
    if (trimChild(found).ownerUid === ownerUid) return undefined
    const message =
      'an object of that name is there and belongs to somebody else: remove it, or rename the SocketServer'
    return { kind, name, reason: 'ObjectForeign', message }
  }

  async #apply(kind: ChildKind, desired: KubeObject, live: TrimmedChild | undefined): Promise<TrimmedChild> {
    const resource = CHILD_RESOURCES[kind]
    const isLeft = kind === 'Deployment' && !isDeclared(desired)
    // Somebody must own the number before we stop declaring it, or it falls back to 1.
    if (isLeft && live?.ownsReplicas) await this.#leaveReplicas(desired, live.deployment?.wanted ?? INITIAL_REPLICAS)
    const written = await this.#writer.apply(resource, desired)
    const last = isLeft && live === undefined ? await this.#leaveReplicas(desired, INITIAL_REPLICAS) : written
    const store = this.#view.children[kind]
    // The watch may have told of it before the answer came.
    const after = store.sameAs(last) ?? CHILD_TRIMS[kind](last)
    store.put(after)
    return after
  }

  async #leaveReplicas({ metadata: { name, namespace } }: KubeObject, replicas: number): Promise<KubeObject> {
    const metadata = namespace === undefined ? { name } : { name, namespace }
    const object = { metadata, spec: { replicas } }
    return await this.#writer.apply(CHILD_RESOURCES.Deployment, object, undefined, INITIAL_MANAGER)
  }
}

const isDeclared = (deployment: KubeObject): boolean =>
  (deployment['spec'] as { replicas?: number }).replicas !== undefined

/** What a refusal means to people; undefined when it is no verdict on the object but a failure that passes. */
function troubleOf(kind: ChildKind, name: string, error: unknown): ChildTrouble | undefined {
  if (error instanceof TakenError) {
    const held = error.taken.map(({ manager, field }) => `"${manager}" declares ${field}`).join(', ')
    const message = `${held} with other values: let it declare them no longer, or let it manage something else than "${FIELD_MANAGER}" does`
    return { kind, name, reason: 'ObjectTaken', message }
  }
  if (!(error instanceof ApiError) || isTransient(error) || error.status === 409) return undefined
  const { message } = error
  if (error.causes.some(({ reason }) => reason === 'NamespaceTerminating')) {
    const cure = 'apply the SocketServer in another namespace, or again when this one was made anew'
    return { kind, name, reason: 'NamespaceTerminating', message: `the namespace is being deleted: ${cure}` }
  }
  if (error.status === 403 && /exceeded quota/.test(message))
    return { kind, name, reason: 'QuotaExceeded', message: `${message}: raise the quota, or ask for less` }
  const cure = cureOf(kind, error)
  return { kind, name, reason: 'ObjectRefused', message: `the API server refuses it: ${message}: ${cure}` }
}

/** What a person can do about a refusal that lasts. */
function cureOf(kind: ChildKind, { status, message }: ApiError): string {
  if (/field is immutable|may not change once set/.test(message)) return `delete the ${kind}, and it is made anew`
  if (status === 403 && / cannot \w+ resource /.test(message))
    return 'grant the operator what its command "role" prints'
  if (kind === 'Service') return 'correct spec.service'
  return kind === 'Deployment' ? 'correct spec.template' : 'look at what refuses it'
}
