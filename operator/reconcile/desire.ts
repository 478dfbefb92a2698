import type { KubeObject } from '../kube/objects.ts'
import type { ChildKind, Parent, PodOptions } from './objects/child.ts'
import { configMapOf } from './objects/config-map.ts'
import { deploymentOf } from './objects/deployment.ts'
import { podDisruptionBudgetOf } from './objects/pod-disruption-budget.ts'
import { serviceOf } from './objects/service.ts'
import { serviceAccountOf } from './objects/service-account.ts'

/** The children a SocketServer is to have: only what there is an opinion on. Pure. */
export const desire = (
  parent: Parent,
  manifest: string,
  options: PodOptions,
): Readonly<Record<ChildKind, KubeObject>> => ({
  ServiceAccount: serviceAccountOf(parent),
  ConfigMap: configMapOf(parent, manifest),
  Deployment: deploymentOf(parent, options),
  Service: serviceOf(parent),
  PodDisruptionBudget: podDisruptionBudgetOf(parent),
})
