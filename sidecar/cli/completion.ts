import { nearest } from '../../crds/nearest.ts'
import { type Command, usageError } from './command.ts'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { zshCompletion } from './completion/zsh.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const
const NAMES = Object.keys(SHELLS) as (keyof typeof SHELLS)[]

/** `socketserver completion`, made from the commands themselves. */
export const completionCommand = (commands: () => readonly Command[]): Command => ({
  name: 'completion',
  summary: 'print the completion of commands, options and values for a shell',
  usage: 'completion bash|zsh|fish',
  details: [
    'For the shell that runs: source <(socketserver completion bash), source <(socketserver completion zsh), or socketserver completion fish | source; put the line into its start file to keep it.',
  ],
  options: {},
  maxPositionals: 1,
  words: NAMES,
  run(given, terminal) {
    const [name = ''] = given.positionals
    const shell = NAMES.find((one) => one === name)
    if (shell === undefined) {
      const near = nearest(name, NAMES)
      throw usageError(
        name === '' ? '"completion" needs the name of a shell' : `there is no completion for "${name}"`,
        `${near === undefined ? '' : `did you mean "${near}"? `}there are ${NAMES.join(', ')}`,
      )
    }
    terminal.out(SHELLS[shell](commands()))
    return Promise.resolve(0)
  },
})
