import type { Command } from './command.ts'

/** `socketserver crd`. */
export const crdCommand: Command = {
  name: 'crd',
  summary: 'print the CustomResourceDefinition, for kubectl apply -f -',
  usage: 'crd',
  options: {},
  maxPositionals: 0,
  async run(_given, terminal) {
    const { crdYaml } = await import('../../crds/index.ts')
    terminal.out(crdYaml())
    return 0
  },
}
