import type {
  IcsHostStatus,
  ListenerStatus,
  Problem,
  SocketServer,
  SocketServerStatus,
  UnresolvedRef,
} from '../../crds/index.ts'
import type { ChildKind } from './objects/child.ts'

/** What an engine tells of itself. */
export interface EngineReport {
  readonly configHash: string
  readonly ready: boolean
  /** Why it does not run what it was given; empty while it does. */
  readonly configurationError: string
  /** The value of the recheck annotation that it has obeyed. */
  readonly recheck: string
  readonly clients: number
  readonly listeners: readonly ListenerStatus[]
  readonly icsHosts: readonly IcsHostStatus[]
  readonly unresolved: readonly UnresolvedRef[]
}

/** Why a pod does not run, where it does not. */
export interface PodTrouble {
  readonly reason: 'ImageUnavailable' | 'Unschedulable' | 'PodFailing'
  readonly message: string
}

/** One pod. */
export interface PodFacts {
  readonly name: string
  readonly isReady: boolean
  readonly trouble: PodTrouble | undefined
  /** What its engine tells, or why it tells nothing; undefined: it was not asked. */
  readonly report: EngineReport | { readonly unread: string } | undefined
}

/** The Deployment, as its controller reports it. */
export interface DeploymentFacts {
  /** Whether its controller has seen the latest change. */
  readonly isSeen: boolean
  readonly wanted: number
  readonly replicas: number
  readonly updated: number
  readonly ready: number
  readonly available: number
  /** Why no pod can be made; empty when they can. */
  readonly refusal: string
}

/** A child that could not be written. */
export interface ChildTrouble {
  readonly kind: ChildKind
  readonly name: string
  readonly reason: 'ObjectRefused' | 'ObjectTaken' | 'ObjectForeign' | 'QuotaExceeded' | 'NamespaceTerminating'
  readonly message: string
}

/** As much of a specification as reports are judged by. */
export interface Expected {
  /** Number of its listeners. */
  readonly listeners: number
  readonly certExpireDays: number
  /** Tags of the hosts that end TLS, and so need a certificate. */
  readonly tlsTags: readonly string[]
}

/** A specification that can be served, as far as it is remembered. */
export interface Accepted {
  readonly accepted: true
  readonly configHash: string
  readonly expected: Expected
}

/** A specification that cannot be served, and why. */
export interface Refused {
  readonly accepted: false
  readonly reason: 'Invalid' | 'Unsupported' | 'TooLarge'
  readonly message: string
  readonly problems: readonly Problem[]
}

/** Whether a specification can be served. */
export type Acceptance = Accepted | Refused

/** What is served, from which the children are made. */
export interface Served extends Accepted {
  readonly server: SocketServer
  readonly manifest: string
}

/** Everything that is known of one SocketServer at one moment. */
export interface Facts {
  readonly generation: number
  readonly acceptance: Acceptance
  readonly deployment: DeploymentFacts | undefined
  readonly pods: readonly PodFacts[]
  readonly troubles: readonly ChildTrouble[]
  /** The annotation by which pods are made to check their certificates. */
  readonly recheck: string
  /** Label selector of the pods, as text. */
  readonly selector: string
  /** Address clients connect to; empty while there is none. */
  readonly address: string
  /** What was reported last. */
  readonly before: Partial<SocketServerStatus>
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The reports of the pods that are ready. */
export const reportsOf = (facts: Facts): { readonly pod: string; readonly report: EngineReport }[] =>
  facts.pods.flatMap(({ name, isReady, report }) =>
    isReady && report !== undefined && 'configHash' in report ? [{ pod: name, report }] : [],
  )

/** The ready pods that do not tell their state, with the cause. */
export const unreadOf = (facts: Facts): { readonly pod: string; readonly cause: string }[] =>
  facts.pods.flatMap(({ name, isReady, report }) => {
    if (!isReady || (report !== undefined && 'configHash' in report)) return []
    return [{ pod: name, cause: report?.unread ?? 'it was not asked yet' }]
  })
