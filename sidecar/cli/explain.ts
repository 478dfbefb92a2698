import type { Command } from './command.ts'

/** `socketserver explain`. */
export const explainCommand: Command = {
  name: 'explain',
  summary: 'tell what a field of the manifest means',
  usage: 'explain [FIELD] [options]',
  details: [
    'FIELD is a path such as spec.icsHosts.handler; "spec." and what leads to a name that is used once may be left out.',
  ],
  options: { list: { type: 'boolean', help: 'list every field there is' } },
  maxPositionals: 1,
  words: 'fields',
  async run(given, terminal) {
    const { explainField } = await import('./explain-field.ts')
    return await explainField(given, terminal)
  },
}
