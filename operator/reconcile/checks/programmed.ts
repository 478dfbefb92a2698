import { type ReasonOf, type Verdict, verdict } from '../conditions.ts'
import { type Facts, reportsOf, unreadOf } from '../facts.ts'
import { tellUnread } from './unproven.ts'

interface Fault {
  readonly status: 'False' | 'Unknown'
  readonly reason: ReasonOf<'Programmed'>
  readonly message: string
}
type Check = (facts: Facts) => Fault | undefined

const fault = (reason: ReasonOf<'Programmed'>, message: string, status: Fault['status'] = 'False'): Fault => ({
  status,
  reason,
  message,
})

const isAccepted: Check = ({ acceptance }) =>
  acceptance.accepted
    ? undefined
    : fault('NotAccepted', 'this generation cannot be served, so the pods go on with the last good configuration')

const objectsAreWritten: Check = ({ troubles }) => {
  const [first] = troubles
  return (
    first && fault(first.reason, troubles.map(({ kind, name, message }) => `${kind} "${name}": ${message}`).join('; '))
  )
}

const configurationIsUsable: Check = ({ pods }) => {
  const refusing = pods.flatMap(({ name, report }) =>
    report !== undefined && 'configHash' in report && report.configurationError !== ''
      ? [`pod "${name}": ${report.configurationError}`]
      : [],
  )
  return refusing.length === 0 ? undefined : fault('ConfigurationRefused', refusing.join('; '))
}

const podsCanBeMade: Check = ({ deployment }) => {
  const refusal = deployment?.refusal ?? ''
  if (refusal === '') return undefined
  return /exceeded quota/.test(refusal)
    ? fault('QuotaExceeded', `${refusal}: raise the quota, or lower spec.replicas or spec.template.resources`)
    : fault('PodsRefused', `${refusal}: correct spec.template, or change what refuses them`)
}

const podsCanRun: Check = ({ pods }) => {
  const troubled = pods.flatMap(({ name, isReady, trouble }) => (isReady || !trouble ? [] : [{ name, trouble }]))
  const [first] = troubled
  if (first === undefined) return undefined
  const message = troubled
    .filter(({ trouble }) => trouble.reason === first.trouble.reason)
    .map(({ name, trouble }) => `pod "${name}": ${trouble.message}`)
  return fault(first.trouble.reason, message.join('; '))
}

const podsAreWanted: Check = ({ deployment }) =>
  deployment?.isSeen === true && deployment.wanted === 0
    ? fault('ScaledToZero', 'spec.replicas is 0, so nothing is served')
    : undefined

const rolloutIsDone: Check = ({ deployment }) => {
  if (deployment === undefined) return fault('Progressing', 'the pods are being made')
  const { isSeen, wanted, replicas, updated, ready, available } = deployment
  if (!isSeen) return fault('Progressing', 'the pods are about to change')
  if (updated < wanted) return fault('Progressing', `${updated} of ${wanted} pods are of this template`)
  if (replicas > updated)
    return fault('Progressing', `${replicas - updated} pods of the template before have not ended`)
  if (ready < wanted || available < wanted) return fault('Progressing', `${ready} of ${wanted} pods are ready`)
  return undefined
}

const podsAreRead: Check = (facts) => {
  const unread = unreadOf(facts)
  return unread.length === 0 ? undefined : fault('PodUnreadable', tellUnread(unread), 'Unknown')
}

const podsRunThis: Check = (facts) => {
  const { acceptance, recheck } = facts
  if (!acceptance.accepted) return undefined
  const reports = reportsOf(facts)
  const behind = reports.filter(({ report }) => report.configHash !== acceptance.configHash)
  const waiting = reports.filter(({ report }) => report.recheck !== recheck)
  const all = reports.length
  if (behind.length > 0)
    return fault(
      'Progressing',
      `${all - behind.length} of ${all} pods run this generation; not yet: ${behind.map(({ pod }) => `"${pod}"`).join(', ')}`,
    )
  if (waiting.length > 0)
    return fault('Progressing', `${all - waiting.length} of ${all} pods have checked their certificates as asked`)
  const wanted = facts.deployment?.wanted ?? 0
  return all < wanted ? fault('Progressing', `${all} of ${wanted} pods have told their state`) : undefined
}

/** The questions in order: the first fault speaks for the condition, so that the reader sees the cause and not its echoes. */
const CHECKS: readonly Check[] = [
  isAccepted,
  objectsAreWritten,
  configurationIsUsable,
  podsCanBeMade,
  podsCanRun,
  podsAreWanted,
  rolloutIsDone,
  podsAreRead,
  podsRunThis,
]

/** Whether every pod that is wanted is ready and proves that it runs this generation. */
export function judgeProgrammed(facts: Facts): Verdict {
  for (const check of CHECKS) {
    const found = check(facts)
    if (found !== undefined) return verdict('Programmed', found.status, found.reason, found.message)
  }
  return verdict('Programmed', 'True', 'Programmed', `all ${reportsOf(facts).length} pods run this generation`)
}
