import { configHash } from '../../crds/index.ts'
import { parseObject } from '../../crds/parse.ts'
import { expectedOf } from './expected.ts'
import type { Refused, Served } from './facts.ts'
import { fitsConfigMap, manifestText, type RawParent } from './objects/config-map.ts'

/** What another version of the contract looks like from here. */
const OF_ANOTHER_VERSION = new Set(['unknown-field', 'unknown-value'])
const MOST_TOLD = 20

/** Judges a specification by the whole contract, the rules that the API server cannot check among it. Pure. */
export function accept(parent: RawParent): Served | Refused {
  const { apiVersion, kind, metadata, spec } = parent
  const { name, namespace, generation } = metadata
  const result = parseObject({ apiVersion, kind, metadata: { name, namespace, generation }, spec })
  if (result.ok) {
    const manifest = manifestText(parent)
    if (fitsConfigMap(manifest)) {
      const { value: server } = result
      return { accepted: true, server, manifest, configHash: configHash(server), expected: expectedOf(server.spec) }
    }
    const message = `the configuration has ${Buffer.byteLength(manifest)} bytes, more than a ConfigMap holds: spread the hosts over several SocketServers`
    return { accepted: false, reason: 'TooLarge', message, problems: [] }
  }
  const { problems } = result
  const isNewer = problems.every(({ rule }) => OF_ANOTHER_VERSION.has(rule))
  const lines = problems.slice(0, MOST_TOLD).map(({ path, message, cure }) => `${path}: ${message}: ${cure}`)
  const more = problems.length > MOST_TOLD ? [`and ${problems.length - MOST_TOLD} more`] : []
  const hint = isNewer ? ['this operator may be older than the CRD: bring both to one version'] : []
  return {
    accepted: false,
    reason: isNewer ? 'Unsupported' : 'Invalid',
    message: [...lines, ...more, ...hint].join('; '),
    problems,
  }
}
