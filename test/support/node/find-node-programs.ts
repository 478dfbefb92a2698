import { join } from 'node:path'
import { buildPrograms } from '../control-plane/build-programs.ts'
import { cacheDirectory, type Environment } from '../control-plane/cache.ts'
import { pinnedModules } from '../control-plane/modules.ts'
import { minorOf, NODE_PROGRAMS, wantedVersion } from '../control-plane/programs.ts'

/** Where the programs of a node lie that no distribution has. */
export type NodePrograms = Readonly<Record<'pause' | 'coredns' | 'kube-proxy' | 'kubelet', string>>

/**
 * Finds the programs of a node in the cache, or builds them from Go modules. Takes no time when they are there, and some
 * minutes else; `tell` hears how it goes. Rejects when they cannot be built, or another release is asked for.
 */
export async function findNodePrograms(
  tell: (line: string) => void,
  environment: Environment = process.env,
): Promise<NodePrograms> {
  const modules = pinnedModules(join(import.meta.dirname, 'build'))
  const asked = wantedVersion(environment['KUBERNETES_VERSION'], modules.version)
  if (asked.minor !== minorOf(modules.version))
    throw new Error(
      `KUBERNETES_VERSION asks for ${asked.minor}, and nodes are made of ${modules.version} alone: unset it`,
    )
  const directory = await buildPrograms(cacheDirectory(environment), modules, NODE_PROGRAMS, tell, environment)
  return Object.fromEntries(NODE_PROGRAMS.map((program) => [program, join(directory, program)])) as NodePrograms
}
