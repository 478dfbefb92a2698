import type { BindPolicy } from '../../../crds/index.ts'
import type { ListenState } from '../../engine/ports.ts'

/** What readiness is judged by. */
export interface ReadinessFacts {
  readonly bindPolicy: BindPolicy
  readonly listeners: readonly ListenState[]
  /** Why the configuration that runs is not the one on disk; undefined when it is (or there is none on disk). */
  readonly configuration: string | undefined
  readonly stopping: boolean
}

/** Whether clients may be sent here. */
export interface Readiness {
  readonly ready: boolean
  /** What is missing, one sentence each; while ready, what is impaired. */
  readonly lines: readonly string[]
}

/**
 * Ready means: the running configuration is the one on disk, and every listener that can listen does. With BestEffort a
 * listener that tried and failed (its port is in use, say) is told of and does not take the others out of service, as
 * long as one listens; with AllOrNothing each counts.
 */
export const judgeReadiness = (facts: ReadinessFacts): Readiness => {
  const missing: string[] = []
  const impaired: string[] = []
  if (facts.stopping) missing.push('the server is stopping')
  if (facts.configuration !== undefined) missing.push(facts.configuration)
  const someListen = facts.listeners.some((one) => one.state === 'Listening')
  for (const one of facts.listeners) {
    if (one.state === 'Listening') continue
    const line = `listener "${one.name}" does not listen${one.error === '' ? '' : `: ${one.error}`}`
    const isExcused = facts.bindPolicy === 'BestEffort' && someListen && one.error !== ''
    ;(isExcused ? impaired : missing).push(line)
  }
  return { ready: missing.length === 0, lines: missing.length === 0 ? impaired : [...missing, ...impaired] }
}
