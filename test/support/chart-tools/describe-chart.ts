import { describe, expect, inject, test } from 'vitest'

/** What tests of the chart may need beside helm. */
export interface ChartNeeds {
  readonly promtool?: boolean
  readonly controlPlane?: boolean
}

/** Whether tests of the chart must run, as in the gate. */
const required = ['CI', 'REQUIRE_HELM'].some((name) => !['', '0', 'false', undefined].includes(process.env[name]))

/**
 * A group of tests that need helm. Where it, or what else they need, cannot be had the group is skipped; where it must run (`CI`
 * or `REQUIRE_HELM` is set) one failing test says why it does not.
 */
export function describeChart(name: string, tests: () => void, needs: ChartNeeds = {}): void {
  const reasons = [
    inject('noHelm'),
    ...(needs.promtool ? [inject('noPromtool')] : []),
    ...(needs.controlPlane ? [inject('noControlPlane')] : []),
  ].filter((reason) => reason !== undefined)
  if (reasons.length === 0) describe(name, tests)
  else if (required) test(`${name}: its tools`, () => expect.fail(reasons.join('; ')))
  else describe.skip(name, tests)
}
