import type { Grade } from '../../crds/index.ts'
import type { Assessment } from './assess.ts'

/** One Secret of a host, as grading sees it. */
export interface SecretState {
  readonly secretName: string
  /** What is served from it and what that is worth; undefined when nothing is. */
  readonly served: Assessment | undefined
  /** Why what lies in the Secret is not what is served; each with its cure, without the name of the Secret. */
  readonly refused: readonly string[]
  /** Why the Secret is not there; undefined when it is. */
  readonly missing: string | undefined
  /** Remarks about what is served that are no fault of the certificate. */
  readonly remarks: readonly string[]
}

/** A grade with the reasons for it. */
export interface Graded {
  readonly grade: Grade
  /** Each names the Secret, the entry, the name and the cure. */
  readonly messages: readonly string[]
}

/** What the contract has room for. */
const MAX_MESSAGES = 32
const MAX_LENGTH = 1024

const WORSE: Readonly<Record<Grade, number>> = { OK: 0, Warn: 1, Fail: 2, None: 3 }

/** The worst of several grades; `OK` of none. */
export const worstGrade = (grades: readonly Grade[]): Grade =>
  grades.reduce<Grade>((worst, grade) => (WORSE[grade] > WORSE[worst] ? grade : worst), 'OK')

/** The grade of one served certificate: `Fail` when clients refuse it, `Warn` when somebody should look at it soon. */
export function gradeServed(assessment: Assessment, isLastKnownGood: boolean): Grade {
  if (assessment.unfit.length + assessment.outOfDate.length + assessment.flaws.length > 0) return 'Fail'
  return isLastKnownGood || assessment.warnings.length > 0 ? 'Warn' : 'OK'
}

/** Whether what is served is not what lies in the Secret. */
export const isLastKnownGood = (state: SecretState): boolean =>
  state.served !== undefined && (state.refused.length > 0 || state.missing !== undefined)

function messagesOf({ secretName, served, refused, missing, remarks }: SecretState): string[] {
  const own = served ? [...served.unfit, ...served.outOfDate, ...served.flaws, ...served.warnings] : []
  const kept = served ? '; the last good certificate is still served' : ''
  const lines = [
    ...(missing === undefined ? [] : [`${missing}${kept}`]),
    ...refused.map((message) => `${message}${kept}`),
    ...remarks,
    ...own,
  ]
  return lines.map((line) =>
    secretName === '' ? line : `Secret "${secretName}"${line.startsWith('is ') ? ' ' : ': '}${line}`,
  )
}

const withinLimits = (messages: readonly string[]): string[] => {
  const lines = [...new Set(messages)].map((line) =>
    line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 3)}...` : line,
  )
  if (lines.length <= MAX_MESSAGES) return lines
  const more = lines.length - MAX_MESSAGES + 1
  return [...lines.slice(0, MAX_MESSAGES - 1), `and ${more} more`]
}

/**
 * Grades a host by its Secrets. `None` when it has no certificate: without a message when it needs none. `Fail` when
 * clients refuse what is served, or nothing is served and what lies in its Secrets cannot be.
 */
export function gradeHost(secrets: readonly SecretState[], needsCertificate: boolean): Graded {
  if (!needsCertificate) return { grade: 'None', messages: [] }
  const messages = withinLimits(secrets.flatMap(messagesOf))
  const served = secrets.flatMap((state) => (state.served ? [gradeServed(state.served, isLastKnownGood(state))] : []))
  if (served.length > 0) {
    const isIncomplete = secrets.some((state) => !state.served || state.remarks.length > 0)
    return { grade: worstGrade([...served, isIncomplete ? 'Warn' : 'OK']), messages }
  }
  if (secrets.length === 0)
    return {
      grade: 'None',
      messages: ['the host has no certificate; name a Secret of type kubernetes.io/tls in certificate.secretName'],
    }
  return { grade: secrets.some((state) => state.refused.length > 0) ? 'Fail' : 'None', messages }
}
