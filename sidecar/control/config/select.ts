import { type ManifestDocument, type Problem, readManifests, type SocketServer } from '../../../crds/index.ts'
import { SocketServerError } from '../../base/errors.ts'
import { InvalidManifestError, nameOf } from './invalid-manifest-error.ts'
import type { ManifestFile } from './load.ts'

/** A manifest that can be served. */
export interface SelectedManifest {
  readonly manifest: SocketServer
  /** What is probably not meant. */
  readonly warnings: readonly Problem[]
}

const qualified = ({ namespace, name }: ManifestDocument): string => (namespace === '' ? name : `${namespace}/${name}`)

/**
 * Takes the one SocketServer of a text, or the one with the given name (`NAME`, or `NAMESPACE/NAME`) of several. Resources of other
 * kinds are passed over.
 *
 * @throws InvalidManifestError with every problem of it
 * @throws SocketServerError SS_USAGE when none has the name, or several are there to choose from
 */
export const selectManifest = (file: ManifestFile, name: string | undefined): SelectedManifest => {
  const { documents, problems } = readManifests(file.text)
  const fitting =
    name === undefined ? documents : documents.filter((one) => one.name === name || qualified(one) === name)
  const list = documents.map((one) => `"${qualified(one)}"`).join(', ')
  if (fitting.length > 1) {
    throw new SocketServerError(
      'SS_USAGE',
      `${nameOf(file.path)} holds ${fitting.length} SocketServers, and one process serves one: ${list}`,
      {
        hint: `choose one by --name, for example --name ${qualified(fitting[0] as ManifestDocument)}`,
      },
    )
  }
  const [only] = fitting
  if (only === undefined && documents.length > 0) {
    throw new SocketServerError('SS_USAGE', `${nameOf(file.path)} holds no SocketServer named "${name}"`, {
      hint: `it holds ${list}`,
    })
  }
  const all = [...problems, ...(only === undefined || only.result.ok ? [] : only.result.problems)]
  if (all.length > 0 || only === undefined || !only.result.ok) throw new InvalidManifestError(file.path, all)
  return { manifest: only.result.value, warnings: only.result.warnings }
}
