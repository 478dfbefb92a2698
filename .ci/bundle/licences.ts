import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

/** A package of which the bundle holds code. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  /** As SPDX writes it. */
  readonly licence: string
  /** Texts of its licence and its notices. */
  readonly texts: readonly string[]
}

const LEGAL = /^(?:(?:un)?licen[cs]e|copying|notice)(?:[.-].*)?$/i

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly license?: string
}

/** The package a module belongs to. A package.json without a name, as below some `dist/esm`, only tells the kind of modules. */
function packageDirectory(module: string): string {
  let directory = dirname(module)
  for (;;) {
    const path = join(directory, 'package.json')
    if (existsSync(path)) {
      const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as Manifest
      if (name !== undefined && version !== undefined) return directory
    }
    if (dirname(directory) === directory) throw new Error(`"${module}" belongs to no package`)
    directory = dirname(directory)
  }
}

function readPackage(directory: string): BundledPackage {
  const {
    name = '',
    version = '',
    license,
  } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest
  const files = readdirSync(directory).filter((file) => LEGAL.test(file))
  if (license === undefined || files.length === 0)
    throw new Error(
      `the package "${name}" ${version} comes without ${license === undefined ? '"license" in its package.json' : 'the text of its licence'}: ` +
        'the bundle cannot be given to others with it; use another package, or ask its authors',
    )
  return {
    name,
    version,
    licence: license,
    texts: files.sort().map((file) => readFileSync(join(directory, file), 'utf8').trim()),
  }
}

/**
 * The packages that modules belong to, by name. Modules of our own are left out.
 *
 * @throws when one comes without its licence
 */
export function bundledPackages(modules: readonly string[]): BundledPackage[] {
  const foreign = modules.filter((module) => module.includes(`${sep}node_modules${sep}`))
  const directories = [...new Set(foreign.map(packageDirectory))]
  return directories
    .map(readPackage)
    .sort((a, b) => a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version, 'en'))
}

/** The file that goes with the bundle: who wrote what is in it, and under which terms. */
export function licenceText(packages: readonly BundledPackage[]): string {
  const rule = '='.repeat(80)
  return [
    'The JavaScript files beside this one hold code of the packages below, each under its own licence.',
    '',
    ...packages.map(({ name, version, licence }) => `${name} ${version} (${licence})`),
    ...packages.flatMap(({ name, version, licence, texts }) => [
      '',
      rule,
      `${name} ${version} (${licence})`,
      rule,
      '',
      texts.join('\n\n'),
    ]),
    '',
  ].join('\n')
}
