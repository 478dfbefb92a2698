import { isDeepStrictEqual } from 'node:util'
import { SCHEMA_RULES } from '../../../crds/catalogue.ts'
import { parseSocketServer } from '../../../crds/index.ts'
import type { Identity } from '../control-plane/identity.ts'
import { findingsOf, isSameRule, LEFT_TO_ACCEPTED } from './refusal.ts'
import { dryRun } from './socket-server-api.ts'

/** How one manifest was judged on both sides. */
export interface Judgement {
  readonly accepted: boolean
  /** In what the two differ; undefined when they agree. */
  readonly disagreement: string | undefined
}

const list = (words: readonly unknown[]) => (words.length === 0 ? 'accepts' : `refuses for ${words.join(', ')}`)

/**
 * Asks zod and the API server about a manifest. They agree when both accept it and fill in the same defaults, or both refuse it,
 * and for the same rule when zod finds one broken. What is left to `Accepted` is not asked of the API server.
 */
export async function judge(identity: Identity, manifest: object): Promise<Judgement> {
  const ours = parseSocketServer(manifest)
  const wrong = ours.ok ? [] : ours.problems.map(({ rule }) => rule).filter((rule) => !LEFT_TO_ACCEPTED.has(rule))
  const answer = await dryRun(identity, manifest)
  const theirs = findingsOf(answer)
  const accepted = theirs.length === 0
  const differ = (what: string): Judgement => ({ accepted, disagreement: what })
  if (accepted !== (wrong.length === 0))
    return differ(
      `zod ${list(wrong)}, the API server ${list(theirs.map(({ message, field }) => `${field}: ${message}`))}`,
    )
  if (accepted) {
    const stored = (answer.body as { spec: unknown }).spec
    if (ours.ok && !isDeepStrictEqual(stored, structuredClone(ours.value.spec)))
      return differ(
        `the defaults differ: ${JSON.stringify(stored)} is stored, zod makes ${JSON.stringify(ours.value.spec)}`,
      )
    return { accepted, disagreement: undefined }
  }
  // What is of a wrong form may be called by several names; a rule has one.
  const [only = '', ...others] = wrong.filter((rule) => !Object.hasOwn(SCHEMA_RULES, rule))
  if (only !== '' && wrong.length === 1 && others.length === 0 && !theirs.some(({ rule }) => isSameRule(only, rule)))
    return differ(
      `zod refuses for ${only}, the API server for ${theirs.map(({ rule, message }) => rule ?? message).join(', ')}`,
    )
  return { accepted, disagreement: undefined }
}
