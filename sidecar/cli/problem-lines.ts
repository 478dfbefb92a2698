import type { Problem } from '../../crds/index.ts'
import { printable } from '../control/log-line.ts'

/** Two lines per problem: where and what is wrong, then the cure. What was written stands in double quotes in the message. */
export const problemLines = (problems: readonly Problem[]): string[] =>
  problems.map(
    ({ path, message, cure }) =>
      `${printable(path === '' ? message : `${path}: ${message}`)}\n    hint: ${printable(cure)}`,
  )
