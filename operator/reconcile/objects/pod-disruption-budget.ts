import type { KubeObject } from '../../kube/objects.ts'
import { selectorLabels } from '../names.ts'
import { childObject, type Parent } from './child.ts'

/** Nodes are drained one pod at a time; a pod that is not ready holds nobody up. */
export const podDisruptionBudgetOf = (parent: Parent): KubeObject =>
  childObject('PodDisruptionBudget', parent, {
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorLabels(parent.metadata.name) },
    },
  })
