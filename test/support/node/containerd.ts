import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProgram } from '../control-plane/program-process.ts'
import type { Namespaces } from './namespaces.ts'
import type { NodeNetworks } from './networks.ts'
import { PAUSE_IMAGE, writePauseImage } from './pause-image.ts'

/** The container runtime of a node. */
export interface Containerd {
  /** Address for a kubelet. */
  readonly endpoint: string
  /** Makes the images of an archive (docker-archive or OCI) known to the node, and resolves with what `ctr` says. */
  importImages(archive: string): Promise<string>
  /** Gives an image, by its whole name, another name. */
  tagImage(name: string, other: string): Promise<string>
}

/** Configuration of containerd, version 2 of its format (containerd 1.x; 2.x reads it, too). */
const configuration = (directory: string, socket: string, plugins: string) => `
version = 2
root = "${directory}/root"
state = "${directory}/state"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Where root may not lower the score of a process (no CAP_SYS_RESOURCE), no container would start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`

/** How pods get their network (CNI): a port of the node's bridge, and an address of each range. */
const podNetwork = ({ pods, node, ipv6 }: NodeNetworks, directory: string) => ({
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: join(directory, 'addresses'),
        ranges: [
          [{ subnet: pods, gateway: node }],
          ...(ipv6 === undefined ? [] : [[{ subnet: ipv6.pods, gateway: ipv6.node }]]),
        ],
        routes: [{ dst: '0.0.0.0/0' }, ...(ipv6 === undefined ? [] : [{ dst: '::/0' }])],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

/** Starts containerd in the namespaces and gives it the image of the sandboxes. It ends with the namespaces. */
export async function startContainerd(options: {
  readonly directory: string
  readonly namespaces: Namespaces
  readonly networks: NodeNetworks
  /** Directory of the CNI plugins. */
  readonly plugins: string
  /** The program of the sandboxes. */
  readonly pause: string
}): Promise<Containerd> {
  const { namespaces } = options
  const directory = join(options.directory, 'containerd')
  const socket = join(options.directory, 'containerd.sock')
  await mkdir(join(directory, 'cni'), { recursive: true })
  const network = podNetwork(options.networks, directory)
  await writeFile(join(directory, 'cni', '10-pods.conflist'), JSON.stringify(network))
  const config = join(directory, 'config.toml')
  await writeFile(config, configuration(directory, socket, options.plugins))
  const ctr = ['--address', socket, '--namespace', 'k8s.io']
  await startProgram(namespaces.inside(['containerd', '--config', config]), {
    logFile: join(options.directory, 'containerd.log'),
    ready: () => namespaces.run(['ctr', ...ctr, 'version']),
    readyWithinMs: 60_000,
  })
  const importImages = (archive: string) => namespaces.run(['ctr', ...ctr, 'images', 'import', archive])
  await importImages(await writePauseImage(options.pause, join(directory, 'pause')))
  const tagImage = (name: string, other: string) =>
    namespaces.run(['ctr', ...ctr, 'images', 'tag', '--force', name, other])
  return { endpoint: `unix://${socket}`, importImages, tagImage }
}
