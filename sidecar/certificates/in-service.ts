import { type Assessment, assess, type Requirements, worthOf } from './assess.ts'
import { lackedIntermediate } from './chain.ts'
import type { LoadResult, Material } from './load.ts'

/** What lies in a Secret. */
export type Found = LoadResult | { readonly kind: 'missing'; readonly message: string }

/** What is served from a Secret to one host, and what is not. */
export interface InService {
  readonly material: Material | undefined
  /** Of `material`. */
  readonly assessment: Assessment | undefined
  /** Why what lies in the Secret is not served; empty when it is. */
  readonly refused: readonly string[]
  /** Why there is no Secret; undefined when there is one. */
  readonly missing: string | undefined
  /** The next moment at which time alone may change this. Milliseconds since the epoch. */
  readonly changesAt: number | undefined
}

const everything = (assessment: Assessment) => [...assessment.unfit, ...assessment.outOfDate, ...assessment.flaws]

const soonest = (...moments: readonly (number | undefined)[]): number | undefined => {
  const known = moments.filter((moment) => moment !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

const isSame = (a: Material, b: Material) => a.certPem === b.certPem && a.keyPem === b.keyPem

/**
 * Decides what a host is served from a Secret: good material always, flawed material when nothing better is in
 * service, unusable material never. An intermediate that the certificate in service has and the new one lacks is known
 * to be missing, which no look at the new one alone could tell. What is in service stays there until something better comes, past its end too; it
 * leaves only when the host itself asks for other names or more strength. `now` in milliseconds since the epoch.
 */
export function decide(
  current: Material | undefined,
  found: Found,
  requirements: Requirements,
  now: number,
): InService {
  const held = current ? assess(current, requirements, now) : undefined
  const isKept = held !== undefined && held.unfit.length === 0
  const kept = {
    material: isKept ? current : undefined,
    assessment: isKept ? held : undefined,
  }
  if (found.kind === 'missing')
    return { ...kept, refused: [], missing: found.message, changesAt: isKept ? held.changesAt : undefined }
  if (found.kind === 'unusable')
    return { ...kept, refused: found.messages, missing: undefined, changesAt: isKept ? held.changesAt : undefined }

  const { material } = found
  const assessment = assess(material, requirements, now)
  const taken: InService = { material, assessment, refused: [], missing: undefined, changesAt: assessment.changesAt }
  const worth = worthOf(assessment)
  if (isKept && current && isSame(current, material)) return taken
  const isGoodKept = isKept && worthOf(held) === 'good'
  const lacked = isGoodKept && current ? lackedIntermediate(current.chain, material.chain) : undefined
  if (worth === 'good' && lacked === undefined) return taken
  if (worth === 'flawed' && !isGoodKept) return taken
  return {
    ...kept,
    refused: [...everything(assessment), ...(lacked === undefined ? [] : [lacked])],
    missing: undefined,
    changesAt: soonest(assessment.changesAt, isKept ? held.changesAt : undefined),
  }
}
