import { readFileSync } from 'node:fs'
import type { Command } from './command.ts'

/** The version of this program, from its package. */
export const packageVersion = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version?: unknown }
  return typeof version === 'string' ? version : 'unknown'
}

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
    terminal.out(`socketserver ${packageVersion()} (${runtime}, ${process.platform} ${process.arch})\n`)
    return Promise.resolve(0)
  },
}
