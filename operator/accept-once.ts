import { RECHECK_ANNOTATION } from '../crds/index.ts'
import { accept } from './reconcile/accept.ts'
import type { Acceptance, Refused, Served } from './reconcile/facts.ts'
import { specOf, type TrimmedServer } from './trim.ts'

/** What a specification was judged to be. */
export interface KnownAcceptance {
  readonly generation: string
  readonly specHash: string
  readonly is: Acceptance
}

const generationOf = ({ metadata: { generation, annotations } }: TrimmedServer) =>
  `${generation} ${annotations?.[RECHECK_ANNOTATION] ?? ''}`

/** Judges a specification as it is held in the store. */
export const acceptAnew = (server: TrimmedServer): Served | Refused => accept({ ...server, spec: specOf(server) })

/**
 * Judges a specification, once for each content: it may have hundreds of hosts, and the generation alone may come a second time
 * (a restored store). What the children are made of comes with a new judgement and is not remembered: it is many times as
 * large as the rest, and is seldom needed again.
 */
export function acceptOnce(
  server: TrimmedServer,
  known: KnownAcceptance | undefined,
): { readonly known: KnownAcceptance; readonly served?: Served } {
  const { specHash } = server
  const generation = generationOf(server)
  if (known?.generation === generation && known.specHash === specHash) return { known }
  const result = acceptAnew(server)
  if (!result.accepted) return { known: { generation, specHash, is: result } }
  const { accepted, configHash, expected } = result
  return { known: { generation, specHash, is: { accepted, configHash, expected } }, served: result }
}
