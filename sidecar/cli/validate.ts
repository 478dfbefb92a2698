import type { Problem, SocketServer } from '../../crds/index.ts'
import { SocketServerError } from '../base/errors.ts'
import { findManifestFiles, type ManifestFile, readManifestFile, readManifestInput } from '../control/config/load.ts'
import { printable } from '../control/log-line.ts'
import type { CertificateVerdict, HostVerdict } from './check-certificates.ts'
import { type Arguments, type Command, usageError } from './command.ts'
import { problemLines } from './problem-lines.ts'
import { DIRECTORY_OPTIONS, readDirectories } from './serve-options.ts'
import type { Terminal } from './terminal.ts'

/** What was found about one SocketServer, or about a text that holds none. */
interface Verdict {
  readonly file: string
  /** Line where the document begins, from 1; 0 when the text holds no other, or is meant as a whole. */
  readonly line: number
  /** Empty when it has none. */
  readonly name: string
  readonly namespace: string
  readonly valid: boolean
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** The certificates of its hosts, when they were asked for. */
  readonly hosts?: readonly HostVerdict[]
}

/** A file that could not be read. */
interface Unreadable {
  readonly file: string
  readonly message: string
  readonly hint: string
}

/** Looks at the Secrets and ConfigMaps a good manifest names; undefined when only the manifests are checked. */
type CheckMaterial = (manifest: SocketServer, path: string) => Promise<CertificateVerdict>

const judge = async (
  file: ManifestFile,
  isGiven: boolean,
  check: CheckMaterial | undefined,
): Promise<readonly Verdict[]> => {
  const { readManifests } = await import('../../crds/index.ts')
  const { documents, skipped, problems } = readManifests(file.text)
  const isOnly = documents.length === 1
  const verdicts: Verdict[] = []
  for (const { line, name, namespace, result } of documents) {
    const head = { file: file.path, line: isOnly ? 0 : line, name, namespace }
    if (!result.ok) {
      verdicts.push({ ...head, valid: false, problems: result.problems, warnings: result.warnings })
      continue
    }
    const found = await check?.(result.value, file.path)
    verdicts.push({
      ...head,
      valid: (found?.problems.length ?? 0) === 0,
      problems: found?.problems ?? [],
      warnings: [...result.warnings, ...(found?.warnings ?? [])],
      ...(found === undefined ? {} : { hosts: found.hosts }),
    })
  }
  // A directory may hold manifests of other kinds; only a file that was asked for by name must hold a SocketServer.
  const isOther = !isGiven && documents.length === 0 && skipped.length > 0
  if (problems.length === 0 || isOther) return verdicts
  return [...verdicts, { file: file.path, line: 0, name: '', namespace: '', valid: false, problems, warnings: [] }]
}

const title = (one: Verdict): string => {
  const place = one.line > 0 ? `${one.file}:${one.line}` : one.file
  if (one.name === '') return place
  return `${place}: SocketServer "${one.namespace === '' ? one.name : `${one.namespace}/${one.name}`}"`
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

const hostLine = ({ hostTag, grade, certificates }: HostVerdict): string => {
  const served = certificates.map((one) => `${one.keyType} from Secret ${one.secretName}, until ${one.notAfter}`)
  return printable(`Host ${hostTag}: certificate ${[grade, ...served].join(', ')}`)
}

const describe = (one: Verdict): string => {
  const verdict = one.valid ? 'is valid' : `has ${count(one.problems.length, 'problem')}`
  const warned = one.warnings.length === 0 ? '' : `, ${count(one.warnings.length, 'warning')}`
  return [
    printable(`${title(one)} ${verdict}${warned}`),
    ...(one.hosts ?? []).filter((host) => host.endsTls).map((host) => `  ${hostLine(host)}`),
    ...problemLines(one.problems).map((line) => `  ${line}`),
    ...problemLines(one.warnings).map((line) => `  warning: ${line}`),
    '',
  ].join('\n')
}

const OUTPUTS = ['text', 'json'] as const

/** What stops one input must not hide what is wrong with the others. */
const attempt = async <T>(file: string, failures: Unreadable[], read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof SocketServerError)) throw error
    failures.push({ file, message: error.message, hint: error.hint ?? '' })
    return undefined
  }
}

const collect = async (inputs: readonly string[], terminal: Terminal, check: CheckMaterial | undefined) => {
  const verdicts: Verdict[] = []
  const unreadable: Unreadable[] = []
  const seen = new Set<string>()
  for (const input of inputs) {
    const paths = input === '-' ? ['-'] : await attempt(input, unreadable, () => findManifestFiles([input]))
    for (const path of paths ?? []) {
      if (seen.has(path)) continue
      seen.add(path)
      const file = await attempt(path, unreadable, () =>
        path === '-' ? readManifestInput(terminal.input) : readManifestFile(path),
      )
      if (file !== undefined) verdicts.push(...(await judge(file, path === input, check)))
    }
  }
  return { verdicts, unreadable }
}

/** With a directory of Secrets or ConfigMaps given, what is in it is checked as well. */
const checkOf = (given: Arguments): CheckMaterial | undefined => {
  if (given.string('secrets') === undefined && given.string('configmaps') === undefined) return undefined
  return async (manifest, path) => {
    const directories = await readDirectories(given, path)
    const { checkCertificates } = await import('./check-certificates.ts')
    return await checkCertificates(manifest, directories)
  }
}

const validate = async (given: Arguments, terminal: Terminal): Promise<number> => {
  const inputs = [...given.strings('file'), ...given.positionals]
  if (inputs.length === 0)
    throw usageError('"validate" needs a manifest', 'give files or directories: validate -f FILE')
  const output = given.string('output') ?? 'text'
  if (!OUTPUTS.some((one) => one === output)) {
    throw usageError(`the output "${output}" is not known`, 'give -o json, or leave it out for text')
  }
  // A directory that is not there is told even when no manifest gets as far as needing it.
  await readDirectories(given, '-')
  const { verdicts, unreadable } = await collect(inputs, terminal, checkOf(given))
  const bad = verdicts.filter((one) => !one.valid).length
  if (output === 'json') {
    const summary = { manifests: verdicts.length, invalid: bad, unreadable: unreadable.length }
    terminal.out(`${JSON.stringify({ manifests: verdicts, unreadable, summary }, null, 2)}\n`)
  } else {
    for (const one of verdicts) terminal.out(describe(one))
    for (const one of unreadable) terminal.err.write(`${printable(one.message)}\nhint: ${printable(one.hint)}\n`)
    const missed = unreadable.length === 0 ? '' : `, ${unreadable.length} unreadable`
    terminal.out(`${count(verdicts.length, 'manifest')}, ${bad} with problems${missed}\n`)
  }
  return unreadable.length > 0 ? 2 : bad > 0 ? 1 : 0
}

/** `socketserver validate`. */
export const validateCommand: Command = {
  name: 'validate',
  summary: 'check manifests offline',
  usage: 'validate -f FILE|DIR... [options]',
  details: [
    'Any number of files and directories; of directories every .yaml, .yml and .json file below them, where manifests of other kinds',
    'are passed over. - is standard input. With --secrets or --configmaps the certificates and CAs are checked as serve would.',
  ],
  options: {
    file: {
      type: 'string',
      short: 'f',
      multiple: true,
      value: 'FILE|DIR',
      help: 'what to check; may be repeated, and -f may be left out',
    },
    ...DIRECTORY_OPTIONS,
    output: {
      type: 'string',
      short: 'o',
      value: 'FORMAT',
      values: OUTPUTS,
      help: 'json for programs; without it text',
    },
  },
  maxPositionals: Number.POSITIVE_INFINITY,
  words: 'files',
  run: validate,
}
