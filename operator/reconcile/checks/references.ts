import { type Verdict, verdict } from '../conditions.ts'
import { type Facts, reportsOf } from '../facts.ts'
import { unproven } from './unproven.ts'

/** Whether every Secret and CA that is named is there and usable, as the pods tell that mount it. */
export function judgeResolvedRefs(facts: Facts): Verdict {
  const messages = new Set<string>()
  // One pod that misses something is enough, whatever the others do not tell.
  for (const { report } of reportsOf(facts)) for (const { message } of report.unresolved) messages.add(message)
  if (messages.size > 0) return verdict('ResolvedRefs', 'False', 'RefNotUsable', [...messages].join('; '))
  return (
    unproven('ResolvedRefs', facts) ??
    verdict('ResolvedRefs', 'True', 'Resolved', 'every Secret and CA that is named is usable')
  )
}
