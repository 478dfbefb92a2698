import { crdYaml } from '../../crds/index.ts'
import type { Command } from './command.ts'

/** `socketserver crd`. */
export const crdCommand: Command = {
  name: 'crd',
  summary: 'print the CustomResourceDefinition, for kubectl apply -f -',
  usage: 'crd',
  options: {},
  maxPositionals: 0,
  run(_given, terminal) {
    terminal.out(crdYaml())
    return Promise.resolve(0)
  },
}
