import { codeOf, lineAt, type SourceFile } from './source.ts'

/** Something that may be written in a few places only. */
interface Rule {
  /** What it is called in a finding. */
  readonly name: string
  /** What is looked for; with `g`. */
  readonly pattern: RegExp
  /** Whether strings are looked at too (names of packages are strings). */
  readonly inStrings: boolean
  /** Whether the rule speaks of a file at all. */
  readonly applies: (path: string) => boolean
  /** Whether the file is a place where it may be. */
  readonly here: (path: string) => boolean
}

const product = (path: string) => /^(crds|sidecar|operator|charts)\//.test(path)
const notTests = (path: string) => !path.startsWith('test/')
const oneOf =
  (...paths: readonly string[]) =>
  (path: string) =>
    paths.includes(path)
const below =
  (...folders: readonly string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(folder))

/** The process and its output belong to the programs' first files. */
const programs = oneOf(
  'sidecar/cli.ts',
  'sidecar/worker.ts',
  'sidecar/bin.js',
  'sidecar/quickstart.ts',
  'operator/main.ts',
  'crds/generate.ts',
  'charts/generate.ts',
)

/** The rules of the kind "X is written only here". */
const ONLY_HERE: readonly Rule[] = [
  {
    name: 'process.exit, process.on and console',
    pattern: /\bprocess\s*\.\s*(exit|on|once|addListener)\b|\bconsole\s*\./g,
    inStrings: false,
    applies: product,
    here: programs,
  },
  {
    name: 'reading the present time',
    pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())|(?<!new\s+)\bDate\s*\(/g,
    inStrings: false,
    applies: product,
    here: oneOf('sidecar/base/clock.ts'),
  },
  {
    name: '@kubernetes/client-node',
    pattern: /['"]@kubernetes\/client-node/g,
    inStrings: true,
    applies: notTests,
    here: below('operator/kube/'),
  },
  {
    name: 'an interface of Bun alone',
    pattern: /(?<![\w$.'"])Bun\s*\.|['"]bun:[^'"]*['"]|\b(?:from|import|require)\s*\(?\s*['"]bun['"]/g,
    inStrings: true,
    applies: notTests,
    here: () => false,
  },
]

/** Each place of a file where something is written that may not be there, as a line for people. */
export function misplaced(file: SourceFile): string[] {
  return ONLY_HERE.filter((rule) => rule.applies(file.path) && !rule.here(file.path)).flatMap((rule) => {
    const code = codeOf(file.text, rule.inStrings ? 'keep' : 'blank')
    return [...code.matchAll(rule.pattern)].map(
      (match) => `${file.path}:${lineAt(code, match.index)} has "${match[0]}": ${rule.name} may not be here`,
    )
  })
}
