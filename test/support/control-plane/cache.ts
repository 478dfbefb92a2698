import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { minorOf, newestPatch, type WantedVersion } from './programs.ts'

/** The variables of an environment. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where programs are kept between runs; outside of the tree, so that a fresh clone finds them. */
export function cacheDirectory(environment: Environment): string {
  const home = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache')
  return join(home, 'socketserver', 'control-plane')
}

/** The directory of programs that were downloaded: which they are is fixed by their version. */
export const downloadedDirectory = (cache: string, version: string): string => join(cache, `${version}-envtest`)

/**
 * The newest version below `directory` that fits, by entries named `<version><suffix>`; undefined when there is none.
 */
export async function newestKept(
  directory: string,
  suffix: string,
  wanted: WantedVersion,
): Promise<string | undefined> {
  const entries = await readdir(directory).catch(() => [])
  const versions = entries
    .filter((entry) => entry.endsWith(suffix))
    .map((entry) => entry.slice(0, entry.length - suffix.length))
    .filter((version) => /^v\d+\.\d+\.\d+$/.test(version) && minorOf(version) === wanted.minor)
  if (wanted.patch !== undefined && versions.includes(wanted.patch)) return wanted.patch
  return wanted.exact ? undefined : newestPatch(versions)
}
