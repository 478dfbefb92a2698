import type { EVENT_REASONS, IcsHostStatus, SocketServerStatus } from '../../crds/index.ts'

/** What became different for people. */
export interface Transition {
  readonly type: 'Normal' | 'Warning'
  readonly reason: keyof typeof EVENT_REASONS
  readonly note: string
}

type Status = Partial<SocketServerStatus>

const conditionOf = (status: Status, type: string) => status.conditions?.find((one) => one.type === type)

type HostState = 'good' | 'expiring' | 'expired' | 'invalid' | 'refused' | 'none'

/** How a host stands with its certificates, the worst first. */
function stateOf({ certificates, grade }: IcsHostStatus, now: number, expireMs: number): HostState {
  const end = Math.min(...certificates.map(({ notAfter }) => Date.parse(notAfter)))
  if (certificates.length === 0) return grade === 'Fail' ? 'refused' : 'none'
  if (end <= now) return 'expired'
  if (certificates.some((one) => one.grade === 'Fail')) return 'invalid'
  if (certificates.some(({ lastKnownGood }) => lastKnownGood)) return 'refused'
  return end - now <= expireMs ? 'expiring' : 'good'
}

const EVENT_OF = {
  expiring: { type: 'Warning', reason: 'CertificateExpiring' },
  expired: { type: 'Warning', reason: 'CertificateExpired' },
  invalid: { type: 'Warning', reason: 'CertificateInvalid' },
  refused: { type: 'Warning', reason: 'CertificateRefused' },
} as const

const printsOf = ({ certificates }: IcsHostStatus) => certificates.map(({ sha256 }) => sha256).join(' ')

/** What is remembered of the hosts to tell one transition from the same state seen again. */
export type HostStates = ReadonlyMap<string, { readonly state: HostState; readonly prints: string }>

/** How each host of a status stands. `certExpireDays` is that of the specification. */
export const hostStates = (status: Status, now: number, certExpireDays: number): HostStates =>
  new Map(
    (status.icsHosts ?? []).map((host) => [
      host.hostTag,
      { state: stateOf(host, now, certExpireDays * 86_400_000), prints: printsOf(host) },
    ]),
  )

function hostTransitions(after: Status, states: HostStates, before: HostStates): Transition[] {
  return (after.icsHosts ?? []).flatMap((host): Transition[] => {
    const next = states.get(host.hostTag)
    const last = before.get(host.hostTag)
    if (next === undefined) return []
    const { hostTag, certificates, messages } = host
    const told = messages.join('; ')
    if (next.state !== last?.state && next.state in EVENT_OF) {
      const event = EVENT_OF[next.state as keyof typeof EVENT_OF]
      return [{ ...event, note: `host "${hostTag}": ${told || `certificate ends at ${certificates[0]?.notAfter}`}` }]
    }
    if (next.state === 'good' && last !== undefined && last.state in EVENT_OF)
      return [{ type: 'Normal', reason: 'CertificateRecovered', note: `host "${hostTag}": its certificates are good` }]
    if (next.prints === (last?.prints ?? '') || certificates.length === 0) return []
    const names = certificates.map(({ secretName, notAfter }) => `Secret "${secretName}", until ${notAfter}`)
    return [{ type: 'Normal', reason: 'CertificateLoaded', note: `host "${hostTag}" serves ${names.join(' and ')}` }]
  })
}

/** More hosts than these that step alike are told by one event. */
const MOST_ALIKE = 3

/** Tells of many hosts that step alike, as at the first start, by one transition that names the first of them. */
function gathered(transitions: readonly Transition[]): Transition[] {
  const groups = new Map<string, Transition[]>()
  for (const one of transitions) {
    const group = groups.get(one.reason)
    if (group === undefined) groups.set(one.reason, [one])
    else group.push(one)
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined || group.length <= MOST_ALIKE) return group
    const named = group.slice(0, MOST_ALIKE).map(({ note }) => note)
    return [{ ...first, note: [...named, `and ${group.length - MOST_ALIKE} more hosts`].join('; ') }]
  })
}

function listenerTransitions(before: Status, after: Status): Transition[] {
  return (after.listeners ?? []).flatMap((listener): Transition[] => {
    const last = before.listeners?.find(({ name }) => name === listener.name)
    const note = `listener "${listener.name}" on port ${listener.port}`
    if (listener.state === 'Closed' && last?.state !== 'Closed' && listener.error !== '')
      return [{ type: 'Warning', reason: 'ListenerFailed', note: `${note}: ${listener.error}` }]
    if (listener.state === 'Listening' && last?.state === 'Closed')
      return [{ type: 'Normal', reason: 'ListenerRecovered', note: `${note} listens in every ready pod` }]
    return []
  })
}

const REFUSED = new Set(['ObjectRefused', 'ObjectTaken', 'ObjectForeign', 'QuotaExceeded', 'NamespaceTerminating'])

function conditionTransitions(before: Status, after: Status): Transition[] {
  const found: Transition[] = []
  const accepted = conditionOf(after, 'Accepted')
  const acceptedBefore = conditionOf(before, 'Accepted')
  if (accepted?.status === 'False' && acceptedBefore?.message !== accepted.message)
    found.push({ type: 'Warning', reason: 'Invalid', note: accepted.message })
  const programmed = conditionOf(after, 'Programmed')
  if (programmed && REFUSED.has(programmed.reason) && conditionOf(before, 'Programmed')?.reason !== programmed.reason)
    found.push({ type: 'Warning', reason: 'ObjectRefused', note: programmed.message })
  const ready = conditionOf(after, 'Ready')
  const readyBefore = conditionOf(before, 'Ready')
  if (ready?.status === 'True' && readyBefore?.status !== 'True')
    found.push({ type: 'Normal', reason: 'Ready', note: ready.message })
  // Not ready while a change is on its way is the usual way of changes, and no news.
  if (ready?.status === 'False' && readyBefore?.status === 'True' && ready.reason !== 'Progressing')
    found.push({ type: 'Warning', reason: 'NotReady', note: ready.message })
  return found
}

/** What a person would want to know of the step from one status to the next, each once. Pure. */
export const transitionsOf = (
  before: Status,
  after: Status,
  statesBefore: HostStates,
  statesAfter: HostStates,
): Transition[] => [
  ...conditionTransitions(before, after),
  ...listenerTransitions(before, after),
  ...gathered(hostTransitions(after, statesAfter, statesBefore)),
]
