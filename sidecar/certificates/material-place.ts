import { join } from 'node:path'
import type { CaRef } from '../../crds/index.ts'
import type { WatchedGroup } from './content-watch.ts'
import { isDirectoryMissing } from './entry-files.ts'
import type { GivenMaterial } from './given-material.ts'

/** Where Secrets and ConfigMaps are looked for: in memory first, then in directories. */
export interface MaterialPlaces {
  /** Directory with one directory per Secret; undefined when all are given in memory. */
  readonly secretsDir: string | undefined
  /** Directory with one directory per ConfigMap; undefined when all are given in memory. */
  readonly configMapsDir: string | undefined
  /** What is given in memory. */
  readonly given?: GivenMaterial | undefined
}

/** Where a Secret or ConfigMap is looked for. */
export function placeOf(
  { secretsDir, configMapsDir, given }: MaterialPlaces,
  kind: CaRef['kind'],
  name: string,
): Pick<WatchedGroup, 'directory' | 'given'> {
  const directory = kind === 'Secret' ? secretsDir : configMapsDir
  return {
    directory: directory === undefined ? undefined : join(directory, name),
    ...(given ? { given: () => given.find(kind, name) } : {}),
  }
}

/** Why a Secret is not there, and the cure; to follow its name. */
export function whyMissing({ secretsDir }: MaterialPlaces): string {
  if (secretsDir === undefined) return 'is missing: none of that name is given in memory; give it, with cert and key'
  return isDirectoryMissing(secretsDir)
    ? `is missing, as is the directory of Secrets "${secretsDir}"; create it, and in it a directory of the Secret's name with tls.crt and tls.key`
    : `is missing: "${secretsDir}" has no directory of that name; create the Secret, with tls.crt and tls.key`
}
