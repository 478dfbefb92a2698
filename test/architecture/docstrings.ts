import { codeOf, type SourceFile } from './source.ts'

const EXPORT =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type|enum)\s+([\w$]+)/
const DOC_END = /^\s*\*\/\s*$|^\/\*\*.*\*\/\s*$/

/** What an export speaks of: `hostSchema` and `Host` are about one thing. */
const subjectOf = (name: string) => name.replace(/Schema$/, '').toLowerCase()

/** Whether the export is a zod schema with a description of its own: in its statement, up to the next unindented line. */
const isDescribed = (name: string, code: readonly string[], index: number): boolean => {
  if (!name.endsWith('Schema')) return false
  const end = code.findIndex((line, at) => at > index && /^(?:export|const|\/|$)/.test(line))
  const statement = code.slice(index, end < 0 ? undefined : end)
  return statement.some((line) => /^(?: {2}|[})\]]+)\.describe\(|^export .*\)\.describe\(/.test(line))
}

/**
 * Exports without a docstring directly above, as lines for people. A type that shares its name with a documented
 * schema (`const Host`, `type Host`) is documented by it, and a schema (`hostSchema`) by its type (`Host`) or
 * by the `.describe()` that the reference prints; so are overloads by the first. Re-exports are documented where they
 * are declared.
 */
export function undocumented(file: SourceFile): string[] {
  const lines = file.text.split('\n')
  const code = codeOf(file.text, 'blank').split('\n')
  const documented = new Set<string>()
  const missing: { name: string; line: number }[] = []
  code.forEach((line, index) => {
    const name = EXPORT.exec(line)?.[1]
    if (name === undefined) return
    if (DOC_END.test(lines[index - 1] ?? '') || isDescribed(name, code, index)) documented.add(subjectOf(name))
    else missing.push({ name, line: index + 1 })
  })
  return missing
    .filter(({ name }) => !documented.has(subjectOf(name)))
    .map(({ name, line }) => `${file.path}:${line} "${name}" has no docstring: say what it is for`)
}
