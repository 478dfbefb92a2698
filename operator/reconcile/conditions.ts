import type { CONDITION_REASONS, Condition, ConditionType } from '../../crds/index.ts'

/** The reasons of one condition. */
export type ReasonOf<T extends ConditionType> = T extends 'Ready'
  ? string
  : keyof (typeof CONDITION_REASONS)[T] & string

/** What is judged of one condition. */
export interface Verdict {
  readonly type: ConditionType
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

/** A verdict whose reason is in the list of its condition. */
export const verdict = <T extends Exclude<ConditionType, 'Ready'>>(
  type: T,
  status: Verdict['status'],
  reason: ReasonOf<T>,
  message = '',
): Verdict => ({ type, status, reason, message: bounded(message) })

const MOST = 4096

/** What a person can still read, and an object has room for. */
const bounded = (message: string): string => (message.length <= MOST ? message : `${message.slice(0, MOST - 3)}...`)

/** Lays verdicts over the conditions before. The time moves only with the status, so that an equal verdict is an equal condition. */
export const mergeConditions = (
  before: readonly Condition[],
  verdicts: readonly Verdict[],
  generation: number,
  now: number,
): Condition[] =>
  verdicts.map((one) => {
    const last = before.find(({ type }) => type === one.type)
    // Whole seconds, as metav1.Time has them.
    const since = last?.status === one.status ? last.lastTransitionTime : `${new Date(now).toISOString().slice(0, 19)}Z`
    return { ...one, observedGeneration: generation, lastTransitionTime: since }
  })
