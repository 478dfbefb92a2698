import type { Problem } from '../../crds/index.ts'
import { printable } from '../control/log-line.ts'

/** Where and what is wrong, then on a line of its own the cure. What was written stands in double quotes in the message. */
export const problemLines = (problems: readonly Problem[]): string[] =>
  problems.map(({ path, message, cure }) => {
    const lines = [path === '' ? message : `${path}: ${message}`, ...(cure === '' ? [] : [`    hint: ${cure}`])]
    return lines.map(printable).join('\n')
  })
