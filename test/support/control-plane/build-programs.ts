import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from './build-lock.ts'
import type { Environment } from './cache.ts'
import { runGo } from './go.ts'
import { type Modules, modulesKey } from './modules.ts'
import { type Program, packageOf } from './programs.ts'

const STAMP = 'k8s.io/component-base/version'

/** The linker's flags: without the stamps kubectl and discovery report `v0.0.0-master`. */
function linkerFlags(version: string): string {
  const [major = '', minor = ''] = version.slice(1).split('.')
  const stamps = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  return ['-s', '-w', ...Object.entries(stamps).map(([name, value]) => `-X ${STAMP}.${name}=${value}`)].join(' ')
}

/**
 * Builds the programs that `<cache>/<key of the modules>` lacks, and resolves with that directory. A program appears
 * in one step when it is complete. Of builds of the same modules that start together, one works and the others wait.
 */
export async function buildPrograms(
  cache: string,
  modules: Modules,
  programs: readonly Program[],
  tell: (line: string) => void,
  environment: Environment,
): Promise<string> {
  const directory = join(cache, modulesKey(modules))
  const missing = () => programs.filter((program) => !existsSync(join(directory, program)))
  if (missing().length === 0) return directory
  const waitingSince = performance.now()
  let told = 0
  const onWait = (holder: string) => {
    const seconds = Math.round((performance.now() - waitingSince) / 1_000)
    if (told++ % 10 === 0) tell(`waiting for the build of ${holder} (${seconds} s)`)
  }
  return withLock(`${directory}.lock`, onWait, async () => {
    await mkdir(directory, { recursive: true })
    const todo = missing()
    for (const [index, program] of todo.entries()) {
      const what = `${program} ${modules.version} from Go modules (${index + 1} of ${todo.length})`
      tell(`building ${what}`)
      const draft = join(directory, `.${program}.${randomUUID()}`)
      const args = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(modules.version)]
      const started = performance.now()
      try {
        await runGo(['build', ...args, '-o', draft, packageOf(program)], {
          directory: modules.directory,
          environment,
          onProgress: (seconds) => tell(`still building ${what}, ${seconds} s`),
        })
        await rename(draft, join(directory, program))
      } finally {
        await rm(draft, { force: true })
      }
      tell(`built ${what} in ${Math.round((performance.now() - started) / 1_000)} s`)
    }
    return directory
  })
}
