import { type Verdict, verdict } from '../conditions.ts'
import { type Facts, reportsOf } from '../facts.ts'
import { unproven } from './unproven.ts'

/** Whether every listener listens in every ready pod. */
export function judgeListenersReady(facts: Facts): Verdict {
  const failed = reportsOf(facts).flatMap(({ pod, report }) =>
    report.listeners
      .filter(({ state }) => state !== 'Listening')
      .map(({ name, error }) => `listener "${name}" does not listen in pod "${pod}": ${error || 'it is being opened'}`),
  )
  if (failed.length > 0) return verdict('ListenersReady', 'False', 'ListenerFailed', failed.join('; '))
  return (
    unproven('ListenersReady', facts) ??
    verdict('ListenersReady', 'True', 'Listening', 'every listener listens in every ready pod')
  )
}
