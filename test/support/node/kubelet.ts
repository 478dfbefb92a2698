import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '../control-plane/identity.ts'
import { startProgram } from '../control-plane/program-process.ts'
import type { Namespaces } from './namespaces.ts'
import { bothOf, type NodeNetworks } from './networks.ts'

/** Nothing is evicted from a machine that others fill, too. */
const NO_EVICTION = {
  'memory.available': '0%',
  'nodefs.available': '0%',
  'nodefs.inodesFree': '0%',
  'imagefs.available': '0%',
  'imagefs.inodesFree': '0%',
}

/** Starts the kubelet in the namespaces and waits until it is healthy. It ends with the namespaces. */
export async function startKubelet(options: {
  readonly program: string
  readonly directory: string
  readonly namespaces: Namespaces
  readonly networks: NodeNetworks
  readonly identity: Identity
  readonly nodeName: string
  readonly controlGroup: string
  readonly runtimeEndpoint: string
  /** Path of the certificate of the authority that signs the API server's own. */
  readonly clientCa: string
}): Promise<void> {
  const { namespaces, networks } = options
  const directory = join(options.directory, 'kubelet')
  await mkdir(directory, { recursive: true })
  const file = async (name: string, content: string) => {
    await writeFile(join(directory, name), content)
    return join(directory, name)
  }
  const configuration = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: networks.node,
    healthzBindAddress: networks.node,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: options.clientCa },
    },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: options.controlGroup,
    failCgroupV1: false,
    failSwapOn: false,
    // Needs to know the file system, which a container or a virtual machine may hide.
    localStorageCapacityIsolation: false,
    evictionHard: NO_EVICTION,
    enforceNodeAllocatable: [],
    imageGCHighThresholdPercent: 100,
    imageMinimumGCAge: '24h',
    clusterDNS: [networks.node],
    clusterDomain: 'cluster.local',
    resolvConf: await file('resolv.conf', ''),
    containerRuntimeEndpoint: options.runtimeEndpoint,
    podLogsDir: join(directory, 'logs'),
    volumePluginDir: join(directory, 'plugins'),
    registerNode: true,
  }
  await startProgram(
    namespaces.inside([
      options.program,
      `--config=${await file('config.json', JSON.stringify(configuration))}`,
      ...[`--kubeconfig=${options.identity.kubeconfig}`, `--hostname-override=${options.nodeName}`],
      ...[
        `--node-ip=${bothOf(networks.node, networks.ipv6?.node)}`,
        `--root-dir=${directory}`,
        `--cert-dir=${join(directory, 'pki')}`,
      ],
    ]),
    {
      logFile: join(options.directory, 'kubelet.log'),
      ready: async () => {
        const { status } = await fetch(`http://${networks.node}:10248/healthz`)
        if (status !== 200) throw new Error(`/healthz answers ${status}`)
      },
      readyWithinMs: 60_000,
    },
  )
}
