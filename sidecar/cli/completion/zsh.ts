import type { Command } from '../command.ts'
import { type CompletedOption, completedOptions, completedWords, type Offer, quoted } from './arguments.ts'

// In a specification of _arguments these characters have a meaning of their own.
const escaped = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')

const actionOf = (offer: Offer): string => {
  switch (offer.kind) {
    case 'nothing':
      return ' '
    case 'files':
      return '_files'
    case 'directories':
      return '_files -/'
    case 'words':
      return `(${offer.words.join(' ')})`
    case 'printed':
      return `{compadd -- $(socketserver ${offer.args} 2>/dev/null | sed -n "${offer.skip + 1},\\$s/ .*//p")}`
  }
}

const optionSpecs = ({ name, short, help, isRepeated, value }: CompletedOption): string[] => {
  const names = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
  const once = isRepeated ? '*' : names.length > 1 ? `(${names.join(' ')})` : ''
  const behind = value === undefined ? '' : `:${escaped(value.name)}:${actionOf(value.offer)}`
  return names.map((one) => {
    const glue = value === undefined ? '' : one.startsWith('--') ? '=' : '+'
    return `      ${quoted(`${once}${one}${glue}[${escaped(help)}]${behind}`)}`
  })
}

const commandLines = (command: Command, commands: readonly Command[]): string[] => {
  const offer = completedWords(command, commands)
  const words = offer.kind === 'nothing' ? [] : [`      ${quoted(`*:${command.name}:${actionOf(offer)}`)}`]
  const specs = [...completedOptions(command).flatMap(optionSpecs), ...words]
  return [`    (${command.name}) _arguments \\`, `${specs.join(' \\\n')}`, '      ;;']
}

/** Completion for zsh, to be sourced or to lie in a directory of `fpath` as `_socketserver`. */
export const zshCompletion = (commands: readonly Command[]): string =>
  [
    '#compdef socketserver',
    '# zsh completion for socketserver; for this shell: source <(socketserver completion zsh)',
    '_socketserver() {',
    '  local -a commands',
    '  commands=(',
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    '  )',
    '  if (( CURRENT == 2 )); then',
    "    _describe -t commands 'command' commands",
    '    return',
    '  fi',
    '  local command=$words[2]',
    '  shift words',
    '  (( CURRENT-- ))',
    '  case $command in',
    ...commands.flatMap((command) => commandLines(command, commands)),
    '  esac',
    '}',
    'if [[ $funcstack[1] == _socketserver ]]; then _socketserver "$@"; else compdef _socketserver socketserver; fi',
    '',
  ].join('\n')
