import type { Problem } from '../../crds/index.ts'
import { SocketServerError } from '../base/errors.ts'

/** A manifest that breaks rules of the contract, with all of them. Its code is `SS_CONFIG_INVALID`. */
export class ManifestError extends SocketServerError {
  /** Every problem, each with its path and its cure. */
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const told = problems.map(({ path, message, cure }) => `${path === '' ? '' : `${path}: `}${message} (${cure})`)
    super('SS_CONFIG_INVALID', told.join('; '))
    this.name = 'ManifestError'
    this.problems = problems
  }
}
