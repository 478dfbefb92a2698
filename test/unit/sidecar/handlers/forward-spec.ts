import type { Backend as BackendSpec, ForwardSpec } from '../../../../crds/index.ts'
import type { Backend } from '../../../support/backend.ts'

/** A spec with these backends, each of weight 1, and the contract's defaults. */
export function forwardSpec(
  backends: readonly (Pick<Backend, 'backend'> | BackendSpec)[],
  more: Partial<ForwardSpec> = {},
): ForwardSpec {
  const entries = backends.map((each) => ('backend' in each ? { ...each.backend, weight: 1 } : each) as BackendSpec)
  return { backends: entries, balance: 'RoundRobin', proxyProtocol: 'None', ...more }
}
