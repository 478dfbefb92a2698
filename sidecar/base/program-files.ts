import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The nearest directory above this file with a package.json: of the checkout, of the package, or of the bundle. */
const findRoot = (): string => {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory))
    directory = dirname(directory)
  return directory
}

const root = findRoot()

/** Path of a file that comes with this program, named as in the checkout: in a bundle the place of a module says nothing. */
export const programFile = (path: string): string => join(root, path)

/** Path of a module of this program, named without its ending: it is JavaScript where it was compiled or bundled. */
export const programModule = (path: string): string => join(root, path + extname(import.meta.url))

/** The version of this program, from its package. */
export const programVersion = (): string => {
  const { version } = JSON.parse(readFileSync(programFile('package.json'), 'utf8')) as { version?: unknown }
  return typeof version === 'string' ? version : 'unknown'
}
