import { type Command, type OptionSpec, optionsOf } from '../command.ts'

/** What may stand in one place of a command line. */
export type Offer =
  | { readonly kind: 'nothing' | 'files' | 'directories' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** The first word of each line that `socketserver ARGS` prints, `skip` lines left out. */
  | { readonly kind: 'printed'; readonly args: string; readonly skip: number }

const NOTHING: Offer = { kind: 'nothing' }

/** One option as a shell completes it. */
export interface CompletedOption {
  readonly name: string
  readonly short: string | undefined
  readonly help: string
  readonly isRepeated: boolean
  /** What its value may be; undefined when it takes none. */
  readonly value: { readonly name: string; readonly offer: Offer } | undefined
}

const offerOf = ({ value = '', values }: OptionSpec): Offer => {
  if (values !== undefined) return { kind: 'words', words: values }
  if (value === 'DIR') return { kind: 'directories' }
  return /^(FILE|PATH)\b/.test(value) ? { kind: 'files' } : NOTHING
}

/** The options of a command, `--help` included. */
export const completedOptions = (command: Command): readonly CompletedOption[] =>
  Object.entries(optionsOf(command)).map(([name, spec]) => ({
    name,
    short: spec.short,
    help: spec.help,
    isRepeated: spec.multiple === true,
    value: spec.type === 'boolean' ? undefined : { name: spec.value ?? 'VALUE', offer: offerOf(spec) },
  }))

/** What the words of a command without a dash may be. */
export const completedWords = (command: Command, commands: readonly Command[]): Offer => {
  const { words } = command
  switch (words) {
    case undefined:
      return NOTHING
    case 'commands':
      return { kind: 'words', words: commands.map(({ name }) => name) }
    case 'clientIds':
      return { kind: 'printed', args: 'clients', skip: 1 }
    case 'fields':
      return { kind: 'printed', args: 'explain --list', skip: 0 }
    case 'files':
      return { kind: 'files' }
    default:
      return { kind: 'words', words }
  }
}

/** Text in single quotes, as bash and zsh take it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
