import { hash } from 'node:crypto'
import { RECHECK_ANNOTATION, type SocketServerStatus } from '../crds/index.ts'
import { FIELD_MANAGER } from './kube/apply.ts'
import { ownedFingerprint, ownsField } from './kube/field-set.ts'
import type { KubeObject, ObjectMeta } from './kube/objects.ts'
import type { DeploymentFacts, PodTrouble } from './reconcile/facts.ts'
import { ADMIN_PORT_NAME, CONFIG_VOLUME_NAME, NUDGE_ANNOTATION } from './reconcile/names.ts'
import type { ChildKind } from './reconcile/objects/child.ts'
import { GENERATION_ANNOTATION, type RawParent } from './reconcile/objects/config-map.ts'
import { RestingText } from './resting-text.ts'

/** A SocketServer, as far as it is used. */
export interface TrimmedServer extends Omit<RawParent, 'spec'> {
  /** As JSON. */
  readonly spec: RestingText
  /** Of the specification: equal for equal ones. */
  readonly specHash: string
  /** What was reported last, as JSON. */
  readonly status: RestingText
}

/** The specification of a SocketServer. */
export const specOf = ({ spec }: TrimmedServer): RawParent['spec'] => JSON.parse(spec.read()) as RawParent['spec']

/** What was reported of a SocketServer last. */
export const statusBefore = ({ status }: TrimmedServer): Partial<SocketServerStatus> =>
  JSON.parse(status.read()) as Partial<SocketServerStatus>

/** A child, as far as it is used: whose it is, and what we have applied to it. */
export interface TrimmedChild {
  readonly metadata: ObjectMeta
  readonly ownerUid: string
  readonly ownerName: string
  /** Changes when a field that we declared has another value than we declared. */
  readonly fingerprint: string
  /** Whether we have declared the number of replicas. */
  readonly ownsReplicas: boolean
  /** Of a ConfigMap: the generation that its configuration is of. */
  readonly generation?: string
  /** Of a Deployment. */
  readonly deployment?: DeploymentFacts
  /** Address of a Service. */
  readonly address?: string
}

/** A Secret or ConfigMap that a pod mounts. */
export interface Mount {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly name: string
}

/** A pod, as far as it is used. */
export interface TrimmedPod {
  readonly metadata: ObjectMeta
  readonly instance: string
  readonly ip: string
  readonly isReady: boolean
  readonly isRunning: boolean
  readonly adminPort: number
  readonly nudge: string
  /** What it reads beside its configuration. */
  readonly mounts: readonly Mount[]
  readonly trouble: PodTrouble | undefined
}

type Json = Readonly<Record<string, unknown>>
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined | null)?.[key], value)
const listAt = (value: unknown, ...path: readonly string[]): readonly Json[] => {
  const found = at(value, ...path)
  return Array.isArray(found) ? (found as Json[]) : []
}
const textAt = (value: unknown, ...path: readonly (string | number)[]): string => String(at(value, ...path) ?? '')
const numberAt = (value: unknown, ...path: readonly string[]): number => Number(at(value, ...path) ?? 0)

/** Without what is not there. */
const bare = ({ name, namespace, uid, resourceVersion, deletionTimestamp }: ObjectMeta): ObjectMeta =>
  JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, deletionTimestamp })) as ObjectMeta

/** Keeps of a SocketServer what is reconciled. */
export const trimServer = (object: KubeObject): TrimmedServer => {
  const { apiVersion = '', kind = '', metadata } = object
  const recheck = metadata.annotations?.[RECHECK_ANNOTATION]
  const spec = JSON.stringify(object['spec'] ?? {})
  return {
    apiVersion,
    kind,
    metadata: {
      ...bare(metadata),
      ...(metadata.generation === undefined ? {} : { generation: metadata.generation }),
      ...(recheck === undefined ? {} : { annotations: { [RECHECK_ANNOTATION]: recheck } }),
    },
    spec: new RestingText(spec),
    specHash: hash('sha256', spec, 'base64url'),
    status: new RestingText(JSON.stringify(object['status'] ?? {})),
  }
}

/** Keeps of a child whose it is and whether it is as it was declared. */
export const trimChild = (object: KubeObject): TrimmedChild => {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true)
  return {
    metadata: bare(object.metadata),
    ownerUid: owner?.uid ?? '',
    ownerName: owner?.name ?? '',
    fingerprint: ownedFingerprint(object, FIELD_MANAGER),
    ownsReplicas: ownsField(object, FIELD_MANAGER, ['spec', 'replicas']),
  }
}

/** Keeps of a ConfigMap also which generation it is of. */
const trimConfigMap = (object: KubeObject): TrimmedChild => {
  const generation = object.metadata.annotations?.[GENERATION_ANNOTATION]
  return { ...trimChild(object), ...(generation === undefined ? {} : { generation }) }
}

const conditionOf = (object: KubeObject, type: string) =>
  listAt(object, 'status', 'conditions').find((one) => one['type'] === type)

/** Keeps of a Deployment also how far its pods are. */
const trimDeployment = (object: KubeObject): TrimmedChild => {
  const failure = conditionOf(object, 'ReplicaFailure')
  const status = at(object, 'status')
  return {
    ...trimChild(object),
    deployment: {
      isSeen: numberAt(status, 'observedGeneration') >= (object.metadata.generation ?? 0),
      wanted: at(object, 'spec', 'replicas') === undefined ? 1 : numberAt(object, 'spec', 'replicas'),
      replicas: numberAt(status, 'replicas'),
      updated: numberAt(status, 'updatedReplicas'),
      ready: numberAt(status, 'readyReplicas'),
      available: numberAt(status, 'availableReplicas'),
      refusal: failure?.['status'] === 'True' ? textAt(failure, 'message') : '',
    },
  }
}

/** Keeps of a Service also the address that clients connect to. */
const trimService = (object: KubeObject): TrimmedChild => {
  const ingress = listAt(object, 'status', 'loadBalancer', 'ingress')[0]
  const balancer = textAt(ingress, 'ip') || textAt(ingress, 'hostname')
  const isBalanced = at(object, 'spec', 'type') === 'LoadBalancer'
  const own = textAt(object, 'spec', 'clusterIP')
  return { ...trimChild(object), address: balancer || (isBalanced || own === 'None' ? '' : own) }
}

/** What is kept of each child. */
export const CHILD_TRIMS: Readonly<Record<ChildKind, (object: KubeObject) => TrimmedChild>> = {
  ServiceAccount: trimChild,
  ConfigMap: trimConfigMap,
  Deployment: trimDeployment,
  Service: trimService,
  PodDisruptionBudget: trimChild,
}

const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
])
const FAILING_REASONS = new Set([
  'CrashLoopBackOff',
  'RunContainerError',
  'CreateContainerError',
  'CreateContainerConfigError',
])

function troubleOf(object: KubeObject): PodTrouble | undefined {
  for (const container of listAt(object, 'status', 'containerStatuses')) {
    const reason = textAt(container, 'state', 'waiting', 'reason')
    const message = textAt(container, 'state', 'waiting', 'message')
    if (IMAGE_REASONS.has(reason))
      return {
        reason: 'ImageUnavailable',
        message: `the image "${textAt(container, 'image')}" cannot be pulled (${reason}): ${message}: look at the image, the registry and spec.template.imagePullSecrets`,
      }
    if (FAILING_REASONS.has(reason))
      return { reason: 'PodFailing', message: `${reason}: ${message}: kubectl logs tells more` }
  }
  const scheduled = conditionOf(object, 'PodScheduled')
  if (scheduled?.['status'] === 'False' && scheduled['reason'] === 'Unschedulable')
    return {
      reason: 'Unschedulable',
      message: `${textAt(scheduled, 'message')}: add nodes that fit, or correct spec.template`,
    }
  return undefined
}

const mountsOf = (object: KubeObject): Mount[] =>
  listAt(object, 'spec', 'volumes').flatMap((volume): Mount[] => {
    if (volume['name'] === CONFIG_VOLUME_NAME) return []
    const secret = textAt(volume, 'secret', 'secretName')
    const configMap = textAt(volume, 'configMap', 'name')
    return [
      ...(secret === '' ? [] : [{ kind: 'Secret' as const, name: secret }]),
      ...(configMap === '' ? [] : [{ kind: 'ConfigMap' as const, name: configMap }]),
    ]
  })

const LABEL = 'app.kubernetes.io/instance'

/** Keeps of a pod where its engine is asked, and how it is. */
export const trimPod = (object: KubeObject): TrimmedPod => {
  const ports = listAt(object, 'spec', 'containers').flatMap((container) => listAt(container, 'ports'))
  const admin = ports.find((one) => one['name'] === ADMIN_PORT_NAME)
  const isReady = conditionOf(object, 'Ready')?.['status'] === 'True'
  return {
    metadata: bare(object.metadata),
    instance: object.metadata.labels?.[LABEL] ?? '',
    ip: textAt(object, 'status', 'podIP'),
    isReady: isReady && object.metadata.deletionTimestamp === undefined,
    isRunning: at(object, 'status', 'phase') === 'Running' && object.metadata.deletionTimestamp === undefined,
    adminPort: admin === undefined ? 0 : numberAt(admin, 'containerPort'),
    nudge: object.metadata.annotations?.[NUDGE_ANNOTATION] ?? '',
    mounts: mountsOf(object),
    trouble: troubleOf(object),
  }
}
