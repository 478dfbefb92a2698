import type { Problem } from '../../../crds/index.ts'
import { SocketServerError } from '../../base/errors.ts'

/** What messages call a manifest by the path it was read from. */
export const nameOf = (path: string): string => (path === '-' ? 'standard input' : `"${path}"`)

/** A manifest that breaks rules of the contract, with all of them. */
export class InvalidManifestError extends SocketServerError {
  readonly problems: readonly Problem[]

  constructor(path: string, problems: readonly Problem[]) {
    super(
      'SS_CONFIG_INVALID',
      `${nameOf(path)} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`,
    )
    this.name = 'InvalidManifestError'
    this.problems = problems
  }
}
