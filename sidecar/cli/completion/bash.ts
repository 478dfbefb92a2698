import type { Command } from '../command.ts'
import { completedOptions, completedWords, type Offer, quoted } from './arguments.ts'

const offerLines = (offer: Offer): string => {
  switch (offer.kind) {
    case 'nothing':
      return ':'
    case 'files':
      return '__socketserver_paths -f'
    case 'directories':
      return '__socketserver_paths -d'
    case 'words':
      return `__socketserver_words ${quoted(offer.words.join(' '))}`
    case 'printed':
      return `__socketserver_words "$("\${COMP_WORDS[0]}" ${offer.args} 2>/dev/null | sed -n '${offer.skip + 1},$s/ .*//p')"`
  }
}

const commandLines = (command: Command, commands: readonly Command[]): string[] => {
  const options = completedOptions(command)
  const flags = options.flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
  const values = options.flatMap(({ name, short, value }) =>
    value === undefined
      ? []
      : [`        ${short === undefined ? '' : `-${short}|`}--${name}) ${offerLines(value.offer)}; return ;;`],
  )
  return [
    `    ${command.name})`,
    ...(values.length === 0 ? [] : ['      case $previous in', ...values, '      esac']),
    `      if [[ $current == -* ]]; then __socketserver_words ${quoted(flags.join(' '))}; else ${offerLines(completedWords(command, commands))}; fi`,
    '      ;;',
  ]
}

/** Completion for bash 3.2 and later. */
export const bashCompletion = (commands: readonly Command[]): string =>
  [
    '# bash completion for socketserver; for this shell: source <(socketserver completion bash)',
    '__socketserver_words() {',
    '  COMPREPLY=($(compgen -W "$1" -- "$current"))',
    '}',
    '__socketserver_paths() {',
    "  local IFS=$'\\n'",
    '  compopt -o filenames 2>/dev/null',
    '  COMPREPLY=($(compgen "$1" -- "$current"))',
    '}',
    '_socketserver() {',
    `  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}`,
    '  COMPREPLY=()',
    '  # bash makes three words of --option=value.',
    '  if [[ $current == = ]]; then current=; fi',
    `  if [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi`,
    '  if ((COMP_CWORD == 1)); then',
    `    __socketserver_words ${quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))}`,
    '    return',
    '  fi',
    `  case \${COMP_WORDS[1]} in`,
    ...commands.flatMap((command) => commandLines(command, commands)),
    '  esac',
    '}',
    'complete -F _socketserver socketserver',
    '',
  ].join('\n')
