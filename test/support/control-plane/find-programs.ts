import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildPrograms } from './build-programs.ts'
import { cacheDirectory, downloadedDirectory, type Environment, newestKept } from './cache.ts'
import { downloadPrograms } from './download.ts'
import { knownModules, modulesFor, modulesKey, pinnedModules } from './modules.ts'
import { type Program, type WantedVersion, wantedVersion } from './programs.ts'

/** Where each program lies. */
export type Programs = Readonly<Partial<Record<Program, string>>>

const missingIn = (directory: string, programs: readonly Program[]) =>
  programs.filter((program) => !existsSync(join(directory, program)))

const pathsIn = (directory: string, programs: readonly Program[]): Programs =>
  Object.fromEntries(programs.map((program) => [program, join(directory, program)]))

/** The programs of ready-made archives that the environment points to, and what it lacks. */
function ofAssets(directory: string, programs: readonly Program[]): { found: Programs; rest: readonly Program[] } {
  const rest = missingIn(directory, programs)
  if (rest.includes('kube-apiserver') || rest.includes('etcd'))
    throw new Error(`KUBEBUILDER_ASSETS is "${directory}", which holds no ${rest.join(', ')}: correct it, or unset it`)
  return {
    found: pathsIn(
      directory,
      programs.filter((program) => !rest.includes(program)),
    ),
    rest,
  }
}

async function cachedDirectory(
  cache: string,
  wanted: WantedVersion,
  programs: readonly Program[],
): Promise<string | undefined> {
  const modules = await knownModules(cache, wanted)
  const downloaded = await newestKept(cache, '-envtest', wanted)
  return [
    ...(modules === undefined ? [] : [join(cache, modulesKey(modules))]),
    ...(downloaded === undefined ? [] : [downloadedDirectory(cache, downloaded)]),
  ].find((directory) => missingIn(directory, programs).length === 0)
}

/**
 * Finds the programs of a control plane: in `KUBEBUILDER_ASSETS`, else in the cache, else downloads them, else builds them
 * from Go modules. `KUBERNETES_VERSION` selects another release than the one of this repository. Takes no time when they
 * are there, and up to ten minutes else; `tell` hears how it goes. Rejects, with every reason, when there is no way.
 */
export async function findPrograms(
  programs: readonly Program[],
  tell: (line: string) => void = () => {},
  environment: Environment = process.env,
): Promise<Programs> {
  const assets = environment['KUBEBUILDER_ASSETS']
  if (assets !== undefined && assets !== '') {
    const { found, rest } = ofAssets(assets, programs)
    return rest.length === 0 ? found : { ...found, ...(await findElsewhere(rest, tell, environment)) }
  }
  return findElsewhere(programs, tell, environment)
}

async function findElsewhere(
  programs: readonly Program[],
  tell: (line: string) => void,
  environment: Environment,
): Promise<Programs> {
  const cache = cacheDirectory(environment)
  const wanted = wantedVersion(environment['KUBERNETES_VERSION'], pinnedModules().version)
  const cached = await cachedDirectory(cache, wanted, programs)
  if (cached !== undefined) return pathsIn(cached, programs)
  const reasons: string[] = []
  const reason = (error: unknown) => void reasons.push(error instanceof Error ? error.message : String(error))
  const downloaded = await downloadPrograms(cache, wanted, environment, tell).catch(reason)
  const rest = downloaded === undefined ? programs : missingIn(downloaded, programs)
  const found =
    downloaded === undefined
      ? {}
      : pathsIn(
          downloaded,
          programs.filter((program) => !rest.includes(program)),
        )
  if (rest.length === 0) return found
  try {
    const built = await buildPrograms(cache, await modulesFor(cache, wanted, environment), rest, tell, environment)
    return { ...found, ...pathsIn(built, rest) }
  } catch (error) {
    reason(error)
    throw new Error(
      `there is no ${rest.join(', ')} of Kubernetes ${wanted.patch ?? wanted.minor}: ${reasons.join('; ')}`,
    )
  }
}
