import { describe, expect, inject, test } from 'vitest'

/** Whether tests that need a control plane must run, as in the gate. */
const required = ['CI', 'REQUIRE_CLUSTER'].some((name) => !['', '0', 'false', undefined].includes(process.env[name]))

/**
 * A group of tests that need a control plane. Where none can be had the group is skipped; where it must run (`CI` or
 * `REQUIRE_CLUSTER` is set) one failing test says why it does not. `controllers`: it needs kube-controller-manager or
 * kube-scheduler, too.
 */
export function describeCluster(name: string, tests: () => void, needs: { readonly controllers?: boolean } = {}): void {
  const reason = inject(needs.controllers ? 'noControllers' : 'noControlPlane')
  if (reason === undefined) describe(name, tests)
  else if (required) test(`${name}: a control plane`, () => expect.fail(reason))
  else describe.skip(name, tests)
}
