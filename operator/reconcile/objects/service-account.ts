import type { KubeObject } from '../../kube/objects.ts'
import { childObject, type Parent } from './child.ts'

/** The identity of the pods: one that may do nothing, whose token is mounted nowhere. */
export const serviceAccountOf = (parent: Parent): KubeObject =>
  childObject('ServiceAccount', parent, { automountServiceAccountToken: false })
