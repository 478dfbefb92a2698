import { nearest } from '../../crds/nearest.ts'
import { type Command, optionsOf, usageError } from './command.ts'

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

const EXIT_CODES =
  'Exit codes: 0 good, 1 a check found problems or the server failed, 2 wrong usage, unreadable input or no engine that answers, 3 could not listen.\n'

/** The list of commands. */
export const overview = (commands: readonly Command[]): string =>
  [
    'socketserver puts TLS listeners in front of any TCP program, from one manifest.\n',
    '\nUsage: socketserver COMMAND [options]\n\n',
    columns(commands.map((one) => [one.name, one.summary])),
    '\n"socketserver help COMMAND" tells more about one of them.\n',
    '"socketserver operator --help" tells about the operator, which looks after the SocketServers of a cluster.\n',
    EXIT_CODES,
  ].join('')

/** Everything about one command. */
export const helpOf = (command: Command): string => {
  const options = Object.entries(optionsOf(command)).map(([name, spec]): [string, string] => [
    `${spec.short === undefined ? '    ' : `-${spec.short}, `}--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`,
    spec.help,
  ])
  return [
    `socketserver ${command.name}: ${command.summary}\n`,
    `\nUsage: socketserver ${command.usage}\n\n`,
    columns(options),
    ...(command.details ?? []).map((line) => `\n${line}\n`),
    `\n${EXIT_CODES}`,
  ].join('')
}

/**
 * Finds a command by its name.
 *
 * @throws SocketServerError SS_USAGE, with the nearest name
 */
export const findCommand = (commands: readonly Command[], name: string): Command => {
  const command = commands.find((one) => one.name === name)
  if (command !== undefined) return command
  const names = commands.map((one) => one.name)
  const near = nearest(name, names)
  throw usageError(
    `there is no command "${name}"`,
    near === undefined
      ? `the commands are ${names.join(', ')}`
      : `did you mean "${near}"? the commands are ${names.join(', ')}`,
  )
}

/** `socketserver help`. */
export const helpCommand = (commands: () => readonly Command[]): Command => ({
  name: 'help',
  summary: 'list the commands, or tell about one',
  usage: 'help [COMMAND]',
  options: {},
  maxPositionals: 1,
  words: 'commands',
  run(given, terminal) {
    const [name] = given.positionals
    terminal.out(name === undefined ? overview(commands()) : helpOf(findCommand(commands(), name)))
    return Promise.resolve(0)
  },
})
