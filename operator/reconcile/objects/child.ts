import type { SocketServerSpec } from '../../../crds/index.ts'
import type { KubeObject, ObjectMeta, Resource } from '../../kube/objects.ts'
import { childLabels, childName } from '../names.ts'

/** The kinds of the children of a SocketServer, in the order in which they are made. */
export const CHILD_KINDS = ['ServiceAccount', 'ConfigMap', 'Deployment', 'Service', 'PodDisruptionBudget'] as const

/** One of {@link CHILD_KINDS}. */
export type ChildKind = (typeof CHILD_KINDS)[number]

/** Where the children live in the API. */
export const CHILD_RESOURCES: Readonly<Record<ChildKind, Resource>> = {
  ServiceAccount: { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' },
  ConfigMap: { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  Deployment: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  Service: { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  PodDisruptionBudget: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
}

/** What children are made of. */
export interface Parent {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  /** With every default applied. */
  readonly spec: SocketServerSpec
}

/** When nodes pull an image. */
export const IMAGE_PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const

/** One of {@link IMAGE_PULL_POLICIES}. */
export type ImagePullPolicy = (typeof IMAGE_PULL_POLICIES)[number]

/** How the operator makes pods. */
export interface PodOptions {
  readonly image: string
  /** Undefined: left to the cluster. */
  readonly imagePullPolicy?: ImagePullPolicy | undefined
  /** Seconds a pod accepts clients while the cluster still sends them. */
  readonly preStopSeconds: number
}

/** A child with its metadata: named after its owner, labelled, and removed with it. */
export const childObject = (
  kind: ChildKind,
  { apiVersion, kind: ownerKind, metadata }: Parent,
  content: Readonly<Record<string, unknown>>,
  annotations?: Readonly<Record<string, string>>,
): KubeObject => {
  const { apiVersion: childVersion, kind: childKind } = CHILD_RESOURCES[kind]
  return {
    apiVersion: childVersion,
    kind: childKind,
    metadata: {
      name: childName(metadata.name),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: childLabels(metadata.name),
      ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [
        {
          apiVersion,
          kind: ownerKind,
          name: metadata.name,
          uid: metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    ...content,
  }
}
