import { dump } from 'js-yaml'
import { rolesOf } from '../operator/role.ts'

interface Role {
  readonly kind: string
  readonly rules: readonly object[]
}

const printed = (rules: readonly object[] | undefined): string =>
  `# Printed by "npm run generate" from operator/role.ts. Do not edit.\n${dump({ rules }, { noRefs: true, lineWidth: 120 })}`

const rules = (kind: string, watchSecrets: boolean) =>
  (rolesOf([], 'lease', watchSecrets) as readonly Role[]).find((role) => role.kind === kind)?.rules

/** What the operator may do, as `rules` of a role. */
export const workRules = (): string => printed(rules('ClusterRole', false))

/** The same with `watchSecrets`. */
export const workRulesWithSecrets = (): string => printed(rules('ClusterRole', true))

/** What it may do to its lease, in its own namespace. */
export const leaseRules = (): string => printed(rules('Role', false))
