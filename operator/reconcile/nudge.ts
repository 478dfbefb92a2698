/** What is remembered of the nudges of one pod. */
export interface NudgeState {
  /** The configuration it was told of last, and when and how often. */
  readonly wanted: string
  readonly at: number
  readonly count: number
  /** The versions of its Secrets and CAs that it has, or was told of; undefined: they are not watched. */
  readonly references: string | undefined
  /** When it was told of them. */
  readonly referencesAt: number
}

/** What is known of one pod when it is to be decided whether it is nudged. */
export interface NudgeFacts {
  /** The configuration the pod is to run, as short text; empty: there is none to be told of. */
  readonly wanted: string
  /** Whether its engine says that it runs another. */
  readonly isBehind: boolean
  /** The annotation as it is; empty: it has none. */
  readonly annotation: string
  /** The versions of the Secrets and CAs it mounts, as short text; undefined: they are not watched. */
  readonly references: string | undefined
  /** The same as it was when the pod was seen first; undefined: it was not seen then. */
  readonly firstReferences: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What is decided of one pod. */
export interface Nudge {
  readonly state: NudgeState
  /** The annotation to be written; undefined: none. */
  readonly value: string | undefined
  /** Milliseconds after which there is something to do or to see; undefined: nothing is. */
  readonly lookAfterMs: number | undefined
}

/** A nudge that brought nothing is repeated: the kubelet may have looked before its own watch had the change. */
const AGAIN_MS = 5_000
/** After so many the reason is another one: kubelets take up to a minute to watch again after the API server was away. */
const SOON = 4
const LATER_MS = 15_000
const MOST_NUDGES = 10
/** A Secret that changes all the time nudges its pods that seldom. */
const REFERENCES_MS = 5_000
/** So long after a changed Secret the engine is looked at that often: a nudge takes half a second. */
const WATCHED_MS = 5_000
const LOOK_MS = 1_000

const FIRST: NudgeState = {
  ...{ wanted: '', at: Number.NEGATIVE_INFINITY, count: 0 },
  ...{ references: undefined, referencesAt: Number.NEGATIVE_INFINITY },
}

/** Between the configuration and the versions of Secrets in the annotation. */
const BETWEEN = '@'

/**
 * Decides whether a pod is nudged: when its engine runs another configuration than it is to, or when a Secret or CA that it
 * mounts has changed since the pod was first seen. A pod that is new has read what there is. Pure.
 */
export function decideNudge(before: NudgeState | undefined, facts: NudgeFacts): Nudge {
  const { wanted, isBehind, annotation, references, firstReferences, now } = facts
  const last = before ?? FIRST
  const [told = '', toldReferences] = annotation.split(BETWEEN)
  const known = last.references ?? toldReferences ?? firstReferences ?? references
  const isChanged = references !== undefined && known !== references
  const count = last.wanted === wanted ? last.count : 0
  // Another operator has done it, or this one before it was restarted.
  const isTold = isBehind && count === 0 && told === wanted
  const pauseMs = count < SOON ? AGAIN_MS : LATER_MS
  const mayTell = count === 0 || (count < MOST_NUDGES && now - last.at >= pauseMs)
  const tells = isBehind && !isTold && mayTell
  const tellsReferences = isChanged && now - last.referencesAt >= REFERENCES_MS
  const writes = tells || tellsReferences
  const state: NudgeState = {
    ...(tells || isTold
      ? { wanted, at: now, count: count + 1 }
      : { wanted: last.wanted, at: last.at, count: last.count }),
    ...(writes && isChanged
      ? { references, referencesAt: now }
      : { references: known, referencesAt: last.referencesAt }),
  }
  const text = tells && count > 0 ? `${wanted}.${count + 1}` : isBehind ? wanted : told
  return {
    state,
    value: writes ? [text, ...(references === undefined ? [] : [references])].join(BETWEEN) : undefined,
    lookAfterMs: lookAfter(state, isChanged && !writes, now),
  }
}

const lookAfter = ({ referencesAt }: NudgeState, isWaiting: boolean, now: number): number | undefined => {
  if (isWaiting) return referencesAt + REFERENCES_MS - now
  return now - referencesAt < WATCHED_MS ? LOOK_MS : undefined
}
