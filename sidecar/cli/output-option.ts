import { dump } from 'js-yaml'
import { nearest } from '../../crds/nearest.ts'
import { type Arguments, type OptionSpec, usageError } from './command.ts'
import type { Terminal } from './terminal.ts'

const OUTPUTS = ['text', 'wide', 'json', 'yaml'] as const

/** How an answer is written: for people, for people with more columns, or for programs. */
export type Output = (typeof OUTPUTS)[number]

/** `--output` of what talks to a running engine. */
export const OUTPUT_OPTION: OptionSpec = {
  type: 'string',
  short: 'o',
  value: 'FORMAT',
  values: OUTPUTS,
  help: 'text, wide (more columns), json or yaml (text)',
}

/**
 * The output asked for.
 *
 * @throws SocketServerError SS_USAGE
 */
export const readOutput = (given: Arguments): Output => {
  const value = given.string('output') ?? 'text'
  const output = OUTPUTS.find((one) => one === value)
  if (output !== undefined) return output
  const near = nearest(value, OUTPUTS)
  throw usageError(
    `the output "${value}" is not known`,
    `${near === undefined ? '' : `did you mean "${near}"? `}give -o ${OUTPUTS.join(', -o ')}`,
  )
}

/** Writes an answer in the format asked for; `lines` makes the text for people. */
export const writeAnswer = (
  terminal: Terminal,
  output: Output,
  answer: object,
  lines: (isWide: boolean) => readonly string[],
): void => {
  if (output === 'json') terminal.out(`${JSON.stringify(answer, null, 2)}\n`)
  else if (output === 'yaml') terminal.out(dump(answer, { noRefs: true, lineWidth: -1 }))
  else
    terminal.out(
      lines(output === 'wide')
        .map((line) => `${line}\n`)
        .join(''),
    )
}
