import { posix } from 'node:path'
import { codeOf, lineAt, type SourceFile } from './source.ts'

/** What one folder may import. A folder may always import itself; what is not listed is forbidden. */
interface Row {
  /** Folders of ours. */
  readonly ours: readonly string[]
  /** Folders of ours of which it may import types only. */
  readonly types?: readonly string[]
  /** Packages; `node:` modules are allowed where `node:` is listed. */
  readonly packages: readonly string[]
  /** Modules that are forbidden although `node:` is allowed. */
  readonly without?: readonly string[]
}

/** Who may import whom: the longest folder that fits a file's path is its layer. */
const MAY_IMPORT: Readonly<Record<string, Row>> = {
  crds: { ours: [], packages: ['zod', 'js-yaml', 'node:'] },
  'sidecar/base': { ours: [], packages: ['node:'] },
  'sidecar/certificates': { ours: ['sidecar/base'], types: ['crds'], packages: ['node:'] },
  'sidecar/acme': {
    ours: ['sidecar/base'],
    types: ['crds'],
    packages: ['node:'],
  },
  'sidecar/engine': {
    ours: ['sidecar/base'],
    types: ['crds'],
    packages: ['node:'],
    without: ['node:fs', 'node:fs/promises', 'node:child_process', 'node:http', 'node:http2', 'node:https'],
  },
  'sidecar/handlers': { ours: ['sidecar/base', 'sidecar/engine'], types: ['crds'], packages: ['node:'] },
  'sidecar/control': {
    ours: ['crds', 'sidecar/base', 'sidecar/certificates', 'sidecar/engine', 'sidecar/acme'],
    packages: ['node:', 'prom-client'],
  },
  // compose, index, cli and what the command is made of
  sidecar: {
    ours: [
      'crds',
      'sidecar/base',
      'sidecar/certificates',
      'sidecar/engine',
      'sidecar/acme',
      'sidecar/handlers',
      'sidecar/control',
    ],
    packages: ['node:', 'js-yaml'],
  },
  'operator/kube': {
    ours: ['crds', 'sidecar/base'],
    packages: ['node:', '@kubernetes/client-node', 'undici'],
  },
  'operator/queue': { ours: ['sidecar/base'], packages: ['node:'] },
  'operator/reconcile': {
    ours: ['crds', 'sidecar/base'],
    types: ['operator/kube', 'sidecar/certificates'],
    packages: ['node:'],
  },
  operator: {
    ours: [
      ...['crds', 'sidecar/base', 'sidecar/certificates', 'sidecar/acme'],
      ...['operator/kube', 'operator/queue', 'operator/reconcile'],
    ],
    packages: ['node:', 'prom-client', 'js-yaml'],
  },
  // What prints the files of the chart; nothing of it runs in a cluster.
  charts: { ours: ['crds', 'operator'], packages: ['zod', 'js-yaml', 'node:'] },
}

/** One `import` or `export ... from` of a file. */
interface Import {
  readonly specifier: string
  readonly typesOnly: boolean
  readonly line: number
}

const STATIC = /\b(?:import|export)\s+(type\s+)?(?:([\w$*{}\s,]+?)\s+from\s+)?(['"])([^'"\n]+)\3/g
const DYNAMIC = /\b(?:import|require|import\.meta\.resolve)\s*\(\s*(['"`])([^'"`\n]+)\1/g

/** Everything a source text imports, static and dynamic. `{ type A, type B }` counts as types only. */
export function importsOf(text: string): Import[] {
  const code = codeOf(text, 'keep')
  const found: Import[] = []
  for (const match of code.matchAll(STATIC)) {
    const [, type, clause = '', , specifier = ''] = match
    const names = /^\{([^}]*)\}$/.exec(clause.trim())?.[1]
    const inlineTypes = names?.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim())) ?? false
    found.push({ specifier, typesOnly: type !== undefined || inlineTypes, line: lineAt(code, match.index) })
  }
  for (const match of code.matchAll(DYNAMIC)) {
    found.push({ specifier: match[2] ?? '', typesOnly: false, line: lineAt(code, match.index) })
  }
  return found
}

/** The layer of a path; undefined for what no row speaks of (tests, examples, configuration). */
function layerOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((layer) => path.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0]
}

/** Each import of the file that the table forbids, as a line for people. */
export function forbiddenImports(file: SourceFile): string[] {
  const from = layerOf(file.path)
  const row = from === undefined ? undefined : MAY_IMPORT[from]
  if (row === undefined) return []
  return importsOf(file.text).flatMap(({ specifier, typesOnly, line }) => {
    const told = (what: string) => [`${file.path}:${line} imports "${specifier}": ${from} may not import ${what}`]
    if (!specifier.startsWith('.')) {
      const allowed = row.packages.some(
        (name) => specifier === name || specifier.startsWith(name === 'node:' ? name : `${name}/`),
      )
      const fits = allowed && row.without?.includes(specifier) !== true
      return fits ? [] : told('this package')
    }
    const target = posix.join(posix.dirname(file.path), specifier)
    const to = layerOf(target)
    // Data beside the code, for example package.json at the root.
    if (to === undefined && target.endsWith('.json')) return []
    if (to === undefined) return told(`from outside the product ("${target}")`)
    if (to === from || row.ours.includes(to)) return []
    if (row.types?.includes(to)) return typesOnly ? [] : told(`${to}, save its types ("import type")`)
    return told(to)
  })
}
