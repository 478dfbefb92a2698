import type { Command } from '../command.ts'
import { completedOptions, completedWords, type Offer } from './arguments.ts'

/** Text in single quotes, as fish takes it. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const offerOf = (offer: Offer): string => {
  switch (offer.kind) {
    case 'nothing':
      return '-x'
    case 'files':
      return '-r -F'
    case 'directories':
      return "-x -a '(__fish_complete_directories)'"
    case 'words':
      return `-x -a ${quoted(offer.words.join(' '))}`
    case 'printed':
      return `-x -a ${quoted(`(socketserver ${offer.args} 2>/dev/null | sed -n '${offer.skip + 1},$s/ .*//p')`)}`
  }
}

const commandLines = (command: Command, commands: readonly Command[]): string[] => {
  const when = `complete -c socketserver -n ${quoted(`__fish_seen_subcommand_from ${command.name}`)}`
  const options = completedOptions(command).map(({ name, short, help, value }) =>
    [
      when,
      ...(short === undefined ? [] : [`-s ${short}`]),
      `-l ${name}`,
      ...(value === undefined ? [] : [offerOf(value.offer)]),
      `-d ${quoted(help)}`,
    ].join(' '),
  )
  const words = completedWords(command, commands)
  const positional = words.kind === 'nothing' ? [] : [`${when} ${offerOf(words).replace(/^-[xr] /, '')}`]
  return [...options, ...positional]
}

/** Completion for fish. */
export const fishCompletion = (commands: readonly Command[]): string =>
  [
    '# fish completion for socketserver; for this shell: socketserver completion fish | source',
    'complete -c socketserver -f',
    ...commands.map(
      ({ name, summary }) => `complete -c socketserver -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ),
    ...commands.flatMap((command) => commandLines(command, commands)),
    '',
  ].join('\n')
