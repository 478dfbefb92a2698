import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Environment } from '../control-plane/cache.ts'

/** Commands that a node needs of its machine, by the Debian package that has them. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  containerd: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  runc: ['runc'],
  iptables: ['iptables', 'ip6tables'],
  iproute2: ['ip'],
  'util-linux': ['unshare', 'nsenter'],
  mount: ['mount'],
}

/** The CNI plugins that a node uses. */
const PLUGINS = ['bridge', 'host-local', 'loopback', 'portmap']
/** Where Debian has them, and where everybody else. */
const PLUGIN_DIRECTORIES = ['/usr/lib/cni', '/opt/cni/bin']

const isCommand = (command: string, path: string) =>
  path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** The directory that has every CNI plugin; undefined when none has. */
export const pluginDirectory = (): string | undefined =>
  PLUGIN_DIRECTORIES.find((directory) => PLUGINS.every((plugin) => existsSync(join(directory, plugin))))

/** What keeps a node from being made on this machine, in words, each with its cure; empty when nothing does. */
export function nodeObstacles(
  machine: { readonly platform: string; readonly uid: number | undefined } = {
    platform: process.platform,
    uid: process.getuid?.(),
  },
  environment: Environment = process.env,
): readonly string[] {
  if (machine.platform !== 'linux')
    return [`a node needs Linux, and this is ${machine.platform}: set KUBECONFIG to a cluster`]
  const path = environment['PATH'] ?? ''
  const missing = Object.entries(COMMANDS)
    .map(([name, commands]) => ({ name, commands: commands.filter((command) => !isCommand(command, path)) }))
    .filter(({ commands }) => commands.length > 0)
  if (pluginDirectory() === undefined) missing.push({ name: 'containernetworking-plugins', commands: PLUGINS })
  const packages = missing.map(({ name }) => name).join(' ')
  const root =
    machine.uid === 0 ? [] : [`a node needs root, and this is user ${machine.uid}: run it as root, or set KUBECONFIG`]
  return missing.length === 0
    ? root
    : [
        ...root,
        `there is no ${missing.flatMap(({ commands }) => commands).join(', ')}: ` +
          `"apt-get install --no-install-recommends ${packages}" brings what is missing`,
      ]
}
