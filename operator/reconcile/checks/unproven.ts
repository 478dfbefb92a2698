import type { ConditionType } from '../../../crds/index.ts'
import { type Verdict, verdict } from '../conditions.ts'
import { type Facts, reportsOf, unreadOf } from '../facts.ts'

type Proven = Exclude<ConditionType, 'Ready' | 'Accepted' | 'Programmed'>

/** What is said of a condition while the pods do not prove it; undefined when each ready pod told its state. */
export function unproven(type: Proven, facts: Facts): Verdict | undefined {
  const unread = unreadOf(facts)
  if (unread.length > 0) return verdict(type, 'Unknown', 'PodUnreadable', tellUnread(unread))
  if (reportsOf(facts).length === 0) return verdict(type, 'Unknown', 'NoPods', 'no pod is ready')
  return undefined
}

/** Names the pods that do not tell their state. */
export const tellUnread = (unread: ReturnType<typeof unreadOf>): string =>
  unread.map(({ pod, cause }) => `pod "${pod}" does not tell its state: ${cause}`).join('; ')
