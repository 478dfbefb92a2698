import type { KubeObject } from '../../kube/objects.ts'
import { selectorLabels } from '../names.ts'
import { childObject, type Parent, type PodOptions } from './child.ts'
import { podTemplateOf } from './pod.ts'

/** Pods there are at first where nobody declared how many. */
export const INITIAL_REPLICAS = 2

/** The pods. Without declared replicas their number is left alone, for an autoscaler to set. */
export const deploymentOf = (parent: Parent, options: PodOptions): KubeObject => {
  const { replicas } = parent.spec
  return childObject('Deployment', parent, {
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorLabels(parent.metadata.name) },
      // A new pod is ready before an old one drains.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: podTemplateOf(parent, options),
    },
  })
}
