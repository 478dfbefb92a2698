/** What programs that wait for a resource (Flux, Argo CD, kpt, kubectl apply --prune) make of it. */
export type Kstatus = 'InProgress' | 'Failed' | 'Current' | 'Terminating'

/** An object, as far as kstatus looks at a kind that it has no rules for. */
export interface KstatusObject {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string }
  readonly status?: {
    readonly observedGeneration?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[]
  }
}

/**
 * The rules of sigs.k8s.io/cli-utils/pkg/kstatus for any custom resource, in their order: an object that is being deleted; a
 * generation that was not observed; Reconciling; Stalled; Ready. An object of which none of it can be said is Current.
 */
export function kstatusOf({ metadata, status = {} }: KstatusObject): Kstatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  const { observedGeneration, conditions = [] } = status
  if (metadata.generation !== undefined && observedGeneration !== undefined)
    if (observedGeneration !== metadata.generation) return 'InProgress'
  const is = (type: string) => conditions.find((one) => one.type === type)?.status
  if (is('Reconciling') === 'True') return 'InProgress'
  if (is('Stalled') === 'True') return 'Failed'
  return ['False', 'Unknown'].includes(is('Ready') ?? '') ? 'InProgress' : 'Current'
}
