import type { Command } from './command.ts'
export const explainCommand: Command = {
  name: 'explain',
  summary: '',
  usage: '',
  options: {},
  maxPositionals: 1,
  run: async () => 0,
}
