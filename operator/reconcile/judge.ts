import type { ConditionType } from '../../crds/index.ts'
import { judgeCertificatesRenewed, judgeCertificatesValid } from './checks/certificates.ts'
import { judgeListenersReady } from './checks/listeners.ts'
import { judgeProgrammed } from './checks/programmed.ts'
import { judgeResolvedRefs } from './checks/references.ts'
import { type Verdict, verdict } from './conditions.ts'
import type { Facts } from './facts.ts'

const judgeAccepted = ({ acceptance }: Facts): Verdict =>
  acceptance.accepted
    ? verdict('Accepted', 'True', 'Accepted', 'the specification can be served')
    : verdict('Accepted', 'False', acceptance.reason, acceptance.message)

/** What must be true for the resource to be ready, the cause before its echoes. */
const NEEDED: readonly ConditionType[] = [
  'Accepted',
  'Programmed',
  'ResolvedRefs',
  'ListenersReady',
  'CertificatesValid',
]

function judgeReady(verdicts: readonly Verdict[]): Verdict {
  const missing = NEEDED.flatMap((type) => verdicts.find((one) => one.type === type && one.status !== 'True') ?? [])
  const [first] = missing
  if (first === undefined)
    return { type: 'Ready', status: 'True', reason: 'Ready', message: 'all is served as declared' }
  return { type: 'Ready', status: 'False', reason: first.reason, message: `${first.type}: ${first.message}` }
}

/** Judges everything that is known, in the order of the conditions. Pure. */
export function judge(facts: Facts): Verdict[] {
  const verdicts = [
    judgeAccepted(facts),
    judgeResolvedRefs(facts),
    judgeProgrammed(facts),
    judgeListenersReady(facts),
    judgeCertificatesValid(facts),
    judgeCertificatesRenewed(facts),
  ]
  return [...verdicts, judgeReady(verdicts)]
}
