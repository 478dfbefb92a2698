import { nearest } from './nearest.ts'
import { type ParseResult, parseObject } from './parse.ts'
import { type Problem, quote, showValue } from './problem.ts'
import { API_VERSION, KIND } from './v1alpha1/socket-server.ts'
import { readYaml } from './yaml.ts'

/** Nobody reads more. */
const MOST_PROBLEMS = 1000

/** One SocketServer of a text. */
export interface ManifestDocument {
  /** Which document of the text it is, from 1. */
  readonly index: number
  /** Line where that document begins, from 1. */
  readonly line: number
  /** `metadata.name` as written, for messages; empty when it has none. */
  readonly name: string
  /** `metadata.namespace` as written; empty when it has none. */
  readonly namespace: string
  readonly result: ParseResult
}

/** One document of a text that is something else than a SocketServer. */
export interface SkippedDocument {
  readonly index: number
  readonly line: number
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

/** What a text holds. */
export interface Manifests {
  readonly documents: readonly ManifestDocument[]
  /** Resources of other kinds, which mean nothing here. */
  readonly skipped: readonly SkippedDocument[]
  /** Problems of the text as a whole; those of a single SocketServer are in its result. */
  readonly problems: readonly Problem[]
}

/**
 * Reads one SocketServer: an object, or a YAML or JSON text that holds exactly one (other kinds beside it are skipped).
 * Never throws; tells all problems at once.
 */
export function parseSocketServer(input: string | Uint8Array | object): ParseResult {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return parseDocument(input)
  const { documents, problems } = readManifests(input)
  const [first] = documents
  if (problems.length === 0 && documents.length === 1 && first !== undefined) return first.result
  if (documents.length > 1)
    return refuse(
      problem(
        'several-socket-servers',
        `the text holds ${documents.length} SocketServers: ${documents.map(({ name }) => quote(name)).join(', ')}`,
        'choose one by its name, or keep one in the text',
      ),
    )
  const own = first === undefined || first.result.ok ? [] : first.result.problems
  return { ok: false, problems: [...problems, ...own], warnings: first?.result.warnings ?? [] }
}

/**
 * Reads every SocketServer of a YAML or JSON text: several documents, and lists of resources (`kind: List`). Resources of other
 * kinds are skipped and told; a text without any SocketServer is a problem. Never throws.
 */
export function readManifests(input: string | Uint8Array): Manifests {
  const yaml = readYaml(input)
  if (!yaml.ok) return { documents: [], skipped: [], problems: [yaml.problem] }
  const documents: ManifestDocument[] = []
  const skipped: SkippedDocument[] = []
  const problems: Problem[] = []
  const keep = (found: Problem) => {
    if (problems.length < MOST_PROBLEMS) problems.push(found)
  }
  const seen = new Map<string, number>()
  for (const [place, { value, line }] of yaml.documents.entries()) {
    // An empty document, as left by a "---" too many, is nothing at all to kubectl.
    if (value === null || value === undefined) continue
    const index = place + 1
    for (const item of itemsOf(value)) {
      const { apiVersion, kind, name, namespace } = headOf(item)
      if (!isObject(item) || (apiVersion === '' && kind === '')) {
        keep(notAManifest(item, index, line))
      } else if (isMeant(apiVersion, kind)) {
        const key = `${namespace}/${name}`
        const before = seen.get(key)
        if (before !== undefined && name !== '')
          keep(
            problem(
              'duplicate-resource',
              `the SocketServer ${quote(name)} of document ${index} (line ${line}) stands in document ${before} already`,
              'keep one of the two, or give one another name',
            ),
          )
        else seen.set(key, index)
        documents.push({ index, line, name, namespace, result: parseDocument(item) })
      } else skipped.push({ index, line, apiVersion, kind, name })
    }
  }
  if (documents.length === 0 && problems.length === 0) problems.push(noSocketServer(skipped))
  return { documents, skipped, problems }
}

function parseDocument(value: unknown): ParseResult {
  const { apiVersion, kind } = headOf(value)
  const group = apiVersion.split('/')[0] ?? ''
  // Of another resource every field is wrong; saying so of each would hide what matters.
  if (kind !== '' && kind !== KIND && nearest(kind, [KIND]) === undefined)
    return refuse(
      problem(
        'wrong-kind',
        `kind is ${quote(kind)}, which is not a SocketServer`,
        `give a manifest of kind ${KIND}`,
        'kind',
        kind,
      ),
    )
  if (apiVersion !== '' && apiVersion !== API_VERSION && (kind === KIND || group === 'icshosts.io'))
    return refuse(
      problem(
        'wrong-api-version',
        `apiVersion is ${quote(apiVersion)}, which this contract does not know`,
        `write ${API_VERSION}`,
        'apiVersion',
        apiVersion,
      ),
    )
  return parseObject(value)
}

/** Whether a person means a SocketServer, perhaps misspelt. */
function isMeant(apiVersion: string, kind: string): boolean {
  return apiVersion.startsWith('icshosts.io/') || nearest(kind, [KIND]) !== undefined
}

function itemsOf(value: unknown): readonly unknown[] {
  if (!isObject(value) || !Array.isArray(value['items'])) return [value]
  return typeof value['kind'] === 'string' && value['kind'].endsWith('List') ? value['items'] : [value]
}

function headOf(value: unknown): { apiVersion: string; kind: string; name: string; namespace: string } {
  const root = isObject(value) ? value : {}
  const metadata = isObject(root['metadata']) ? root['metadata'] : {}
  const text = (field: unknown) => (typeof field === 'string' ? field : '')
  return {
    apiVersion: text(root['apiVersion']),
    kind: text(root['kind']),
    name: text(metadata['name']),
    namespace: text(metadata['namespace']),
  }
}

function notAManifest(value: unknown, index: number, line: number): Problem {
  return problem(
    'not-a-manifest',
    `document ${index} (line ${line}) is not a manifest: it has neither apiVersion nor kind`,
    `begin it with apiVersion: ${API_VERSION} and kind: ${KIND}`,
    '',
    value,
  )
}

function noSocketServer(skipped: readonly SkippedDocument[]): Problem {
  const kinds = [...new Set(skipped.map(({ kind }) => kind))].slice(0, 10)
  return problem(
    'no-socket-server',
    kinds.length === 0
      ? 'the text holds no resource'
      : `the text holds no SocketServer, only ${kinds.map(quote).join(', ')}`,
    `give a manifest with apiVersion: ${API_VERSION} and kind: ${KIND}`,
  )
}

function problem(rule: string, message: string, cure: string, path = '', value?: unknown): Problem {
  return { rule, path, value: showValue(value), message, cure }
}

function refuse(...problems: Problem[]): ParseResult {
  return { ok: false, problems, warnings: [] }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
