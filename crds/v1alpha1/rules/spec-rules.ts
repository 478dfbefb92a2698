import type { Rule } from '../../rules.ts'
import { SELECTION_RULES } from './selection-rules.ts'
import { SERVICE_PORT_RULES } from './service-port-rules.ts'
import { SOCKET_RULES } from './socket-rules.ts'
import type { Spec } from './spec.ts'
import { SPEC_WARNINGS } from './spec-warnings.ts'

/** Rules over listeners and hosts together. */
export const SPEC_RULES: readonly Rule<Spec>[] = [
  ...SOCKET_RULES,
  ...SELECTION_RULES,
  ...SERVICE_PORT_RULES,
  ...SPEC_WARNINGS,
]
