import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '../..')

/** One TypeScript file of the repository. */
export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly text: string
}

/** All files the repository is made of, relative to its root: tracked ones and those not added yet, ignored ones not. */
export function repositoryFiles(): string[] {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const deleted = new Set(git(['ls-files', '-z', '--deleted']))
  return git(list).filter((path) => !deleted.has(path))
}

function git(args: readonly string[]): string[] {
  const output = execFileSync('git', args, { cwd: repository, encoding: 'utf8', maxBuffer: 1 << 26 })
  return output.split('\0').filter((path) => path !== '')
}

/** The text of a file of the repository. */
function readSource(path: string): SourceFile {
  return { path, text: readFileSync(join(repository, path), 'utf8') }
}

/** Every TypeScript and JavaScript file below the given folders (or the whole repository). */
export function sourceFiles(folders: readonly string[] = ['']): SourceFile[] {
  return repositoryFiles()
    .filter((path) => /\.(ts|js)$/.test(path) && folders.some((folder) => path.startsWith(folder)))
    .map(readSource)
}

// In this order: whichever begins first wins, so quotes inside comments and comments inside strings stay what they are.
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|(?<=(?:^|[=(,:[!&|?{};]|return)\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//gm

/**
 * The text with every comment replaced by spaces, and with `strings: 'blank'` the inside of every string, template and
 * regular expression too (code inside `${}` of a template goes with it). Lines and columns stay where they are.
 */
export function codeOf(text: string, strings: 'keep' | 'blank'): string {
  return text.replace(TOKEN, (token) => {
    const isComment = token.startsWith('//') || token.startsWith('/*')
    if (!isComment && strings === 'keep') return token
    const blank = token.replace(/[^\n]/g, ' ')
    return isComment ? blank : token.charAt(0) + blank.slice(1, -1) + token.charAt(token.length - 1)
  })
}

/** Line number, from 1, of a place in a text. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
