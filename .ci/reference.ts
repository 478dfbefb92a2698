// npm run docs: writes sidecar/REFERENCE.md, the reference of the library, from its docstrings. It reads the declarations
// that tsc emits, whose layout is regular: four spaces of indentation per level, one declaration after the other.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** A member of a class or an interface. */
interface Member {
  readonly name: string
  readonly signature: string
  readonly doc: string
}

/** Something that a module exports. */
interface Declaration {
  readonly kind: 'class' | 'interface' | 'type' | 'const' | 'function'
  /** Without members and without a body. */
  readonly signature: string
  readonly doc: string
  readonly members: readonly Member[]
}

/** The reference, and what lacks a docstring. */
export interface Reference {
  readonly text: string
  /** `Name` or `Name.member`. */
  readonly undocumented: readonly string[]
  /** Everything the entry exports. */
  readonly names: readonly string[]
}

const DECLARATION = /^export (?:declare )?(class|interface|type|const|function) ([\w$]+)/

/** Splits lines at one level into items, each with the docstring above it. */
function itemsOf(lines: readonly string[], indent: string): { readonly doc: string; readonly lines: string[] }[] {
  const items: { doc: string; lines: string[] }[] = []
  let doc: string[] | undefined
  let isInDoc = false
  for (const line of lines) {
    const isOwn = line.startsWith(indent) && !line.startsWith(`${indent} `)
    const text = line.slice(indent.length)
    if (isOwn && text.startsWith('/**')) doc = []
    if (isOwn && text.startsWith('/**')) isInDoc = true
    if (isInDoc) doc?.push(line.trim())
    if (isInDoc) {
      if (line.trimEnd().endsWith('*/')) isInDoc = false
    } else if (isOwn && !/^[})\]|&]/.test(text)) {
      items.push({ doc: docText(doc ?? []), lines: [text] })
      doc = undefined
    } else items.at(-1)?.lines.push(text)
  }
  return items
}

/** The words of a docstring, its tags as a list. */
function docText(lines: readonly string[]): string {
  const words = lines
    .join('\n')
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^ ?\*(?: |$)/, '').trimEnd())
    .join('\n')
    .trim()
  return words
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(
      /\n*(?:^|\s)@(param|throws|returns)\s+/g,
      (_all, tag: string) => `\n\n* ${tag === 'param' ? '' : `*${tag}* `}`,
    )
    .replace(/^(\* )(\w+)/gm, '$1`$2`:')
    .replace(/^(\* \*throws\*) \{(\w+)\}/gm, '$1 `$2`:')
    .trim()
}

function membersOf(lines: readonly string[]): Member[] {
  return itemsOf(lines, '    ').flatMap(({ doc, lines: own }) => {
    const signature = own.join('\n').replace(/;$/, '')
    const [, name] = /^(?:readonly |get |set |static |override )*([\w$]+|\[[\w.]+\])/.exec(signature) ?? []
    return name === undefined || doc.includes('@internal') || name === 'private' ? [] : [{ name, signature, doc }]
  })
}

/** The declaration of a name, in the module or in one that it exports from. */
function find(file: string, name: string): Declaration | undefined {
  const text = readFileSync(file, 'utf8')
  for (const { doc, lines } of itemsOf(text.split('\n'), '')) {
    const [, kind, declared] = DECLARATION.exec(lines[0] ?? '') ?? []
    if (declared !== name) continue
    const hasBody = kind === 'class' || kind === 'interface'
    const signature = hasBody ? (lines[0] ?? '').replace(/ \{.*$/, '') : lines.join('\n').replace(/;\s*$/, '')
    const shown = signature.replace(/^export (?:declare )?/, '')
    const members = hasBody ? membersOf(lines.slice(1)) : []
    return { kind: kind as Declaration['kind'], signature: shown, doc, members }
  }
  for (const { from, names } of exportsOf(text)) {
    const original = names.find((one) => one.name === name)
    if (original) return find(join(dirname(file), from.replace(/\.ts$/, '.d.ts')), original.original)
  }
  return undefined
}

function exportsOf(text: string) {
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)].map(([, list = '', from = '']) => ({
    from,
    names: list
      .split(',')
      .map((one) => one.trim().replace(/^type /, ''))
      .filter((one) => one !== '')
      .map((one) => {
        const [original = '', name = original] = one.split(' as ')
        return { original, name }
      }),
  }))
}

/** Types first meet the reader where they are used; what is called comes first. */
const ORDER: readonly Declaration['kind'][] = ['class', 'function', 'const', 'interface', 'type']

/** Makes the reference from the declarations of an entry. */
export function referenceOf(entry: string): Reference {
  const names = exportsOf(readFileSync(entry, 'utf8')).flatMap((one) => one.names.map(({ name }) => name))
  const undocumented: string[] = []
  const found = names.map((name) => {
    const declaration = find(entry, name)
    if (!declaration) throw new Error(`${name} is exported and declared nowhere`)
    if (declaration.doc === '') undocumented.push(name)
    for (const member of declaration.members)
      if (member.doc === '' && member.name !== 'constructor') undocumented.push(`${name}.${member.name}`)
    return { name, declaration }
  })
  found.sort((one, other) => ORDER.indexOf(one.declaration.kind) - ORDER.indexOf(other.declaration.kind))
  // The main thing first.
  found.sort((one, other) => Number(other.name === 'SocketServer') - Number(one.name === 'SocketServer'))
  const sections = found.map(({ name, declaration }) => {
    const { signature, doc, members } = declaration
    const rows = members.map((member) => `#### \`${member.name}\`\n\n${code(member.signature)}\n\n${member.doc}`.trim())
    return [`### ${name}`, code(signature), doc, ...rows].join('\n\n')
  })
  const head = [
    '# Reference of the library',
    'Made by `npm run docs` from the docstrings; do not edit it.',
    "```ts\nimport { SocketServer } from 'socketserver'\n```",
  ]
  const text = `${[...head, ...sections].join('\n\n')}\n`
  return { text, undocumented, names }
}

const code = (text: string) => `\`\`\`ts\n${text}\n\`\`\``

/** The reference of the sources as they are. */
export function currentReference(): Reference {
  const directory = mkdtempSync(join(tmpdir(), 'socketserver-declarations-'))
  try {
    const project = ['-p', join(root, '.ci/tsconfig.json'), '--emitDeclarationOnly', '--outDir', directory]
    execFileSync(process.execPath, [join(root, 'node_modules/.bin/tsc'), ...project], { stdio: 'inherit' })
    return referenceOf(join(directory, 'sidecar/index.d.ts'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Where the reference lies. */
export const REFERENCE = join(root, 'sidecar/REFERENCE.md')

if (import.meta.main) {
  const { text, undocumented } = currentReference()
  for (const name of undocumented) console.error(`${name} has no docstring`)
  writeFileSync(REFERENCE, text)
}
