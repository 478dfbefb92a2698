import { programVersion } from '../base/program-files.ts'
import type { Command } from './command.ts'

/** `socketserver version`. */
export const versionCommand: Command = {
  name: 'version',
  summary: 'print the version, the runtime and its OpenSSL',
  usage: 'version',
  options: {},
  maxPositionals: 0,
  run(_given, terminal) {
    const bun = process.versions['bun']
    const runtime =
      bun === undefined ? `node ${process.versions.node}, OpenSSL ${process.versions.openssl}` : `bun ${bun}`
    terminal.out(`socketserver ${programVersion()} (${runtime}, ${process.platform} ${process.arch})\n`)
    return Promise.resolve(0)
  },
}
