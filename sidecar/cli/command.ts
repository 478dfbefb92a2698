import { parseArgs } from 'node:util'
import { nearest } from '../../crds/nearest.ts'
import { SocketServerError } from '../base/errors.ts'
import type { Terminal } from './terminal.ts'

/** One option of a command. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** Whether it may be given more than once. */
  readonly multiple?: boolean
  /** Its value as help names it, for example `DIR`. */
  readonly value?: string
  /** What its value may be, when that is a short list. */
  readonly values?: readonly string[]
  readonly help: string
}

/** What was written behind the command's name. */
export interface Arguments {
  /** Value of an option; undefined when it is not given. */
  string(name: string): string | undefined
  /** Values of an option that may be given more than once. */
  strings(name: string): readonly string[]
  flag(name: string): boolean
  readonly positionals: readonly string[]
}

/** One subcommand of `socketserver`. */
export interface Command {
  readonly name: string
  /** One sentence without a period, as the list of commands shows it. */
  readonly summary: string
  /** Behind `socketserver `, for example `serve -f FILE [options]`. */
  readonly usage: string
  /** What help says besides. */
  readonly details?: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** How many words without a dash it takes. */
  readonly maxPositionals: number
  /** What those words are, for shell completion: one of a list, or of a kind. */
  readonly words?: readonly string[] | 'commands' | 'clientIds' | 'fields' | 'files'
  /**
   * Runs it.
   *
   * @returns the exit code
   * @throws SocketServerError which is printed, and whose exit code is used
   */
  run(given: Arguments, terminal: Terminal): Promise<number>
}

/** The option every command has. */
const HELP: OptionSpec = { type: 'boolean', short: 'h', help: 'print this help' }

/** Every option of a command, `--help` included. */
export const optionsOf = (command: Command): Readonly<Record<string, OptionSpec>> => ({
  ...command.options,
  help: HELP,
})

/** A wrong use of the command line: exit code 2. */
export const usageError = (detail: string, hint: string): SocketServerError =>
  new SocketServerError('SS_USAGE', detail, { hint })

const helpHint = (command: Command): string => `"socketserver ${command.name} --help" lists the options`

const explainParseError = (command: Command, error: Error & { code?: string }): SocketServerError => {
  // parseArgs tells the option in single quotes: 'Unknown option '--admn'.', 'Option '-f, --file <value>' argument missing'.
  const quoted = /'(-[^'\s,]*)/.exec(error.message)?.[1] ?? ''
  switch (error.code) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
      const names = Object.keys(optionsOf(command))
      const near = quoted.startsWith('--') ? nearest(quoted.slice(2), names) : undefined
      return usageError(
        `"${command.name}" has no option "${quoted}"`,
        near === undefined ? helpHint(command) : `did you mean "--${near}"? ${helpHint(command)}`,
      )
    }
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
      return /not take/.test(error.message)
        ? usageError(`the option "${quoted}" takes no value`, helpHint(command))
        : usageError(
            `the option "${quoted}" has no value`,
            `${helpHint(command)}; a value that begins with "-" is given as --option=-value`,
          )
    default:
      return usageError(error.message, helpHint(command))
  }
}

/**
 * Reads the words behind the command's name.
 *
 * @throws SocketServerError SS_USAGE for an unknown option, a missing or unwanted value, or too many words
 */
export const parseArguments = (command: Command, words: readonly string[]): Arguments => {
  const specs = optionsOf(command)
  let parsed: { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] }
  try {
    const options = Object.fromEntries(
      Object.entries(specs).map(([name, { type, short, multiple }]) => [
        name,
        { type, multiple: multiple ?? false, ...(short === undefined ? {} : { short }) },
      ]),
    )
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw explainParseError(command, error as Error)
  }
  const { values, positionals } = parsed
  const excess = positionals[command.maxPositionals]
  if (excess !== undefined) {
    throw usageError(
      `"${command.name}" does not take the word "${excess}"`,
      'file' in command.options ? `give a file by -f FILE; ${helpHint(command)}` : helpHint(command),
    )
  }
  return {
    string: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    strings: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    flag: (name) => values[name] === true,
    positionals,
  }
}
