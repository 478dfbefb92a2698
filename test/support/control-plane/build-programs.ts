import { join } from 'node:path'
import { buildGoPrograms, type GoProgram } from './build-go-programs.ts'
import type { Environment } from './cache.ts'
import { type Modules, modulesKey } from './modules.ts'
import { type Program, packageOf } from './programs.ts'

const STAMP = 'k8s.io/component-base/version'

/** A program with its stamps: without them kubectl and discovery report `v0.0.0-master`. */
function goProgram(name: Program, version: string): GoProgram {
  const [major = '', minor = ''] = version.slice(1).split('.')
  const stamps = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const named = Object.entries(stamps).map(([variable, value]) => [`${STAMP}.${variable}`, value] as const)
  return { name, version, package: packageOf(name), stamps: Object.fromEntries(named) }
}

/** Builds the programs that `<cache>/<key of the modules>` lacks, and resolves with that directory. */
export async function buildPrograms(
  cache: string,
  modules: Modules,
  programs: readonly Program[],
  tell: (line: string) => void,
  environment: Environment,
): Promise<string> {
  const directory = join(cache, modulesKey(modules))
  const wanted = programs.map((program) => goProgram(program, modules.version))
  await buildGoPrograms(directory, modules.directory, wanted, tell, environment)
  return directory
}
