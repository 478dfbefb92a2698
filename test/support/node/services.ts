import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '../control-plane/identity.ts'
import { startProgram } from '../control-plane/program-process.ts'
import type { Namespaces } from './namespaces.ts'
import { bothOf, type NodeNetworks } from './networks.ts'

/** What both programs need. */
interface ServicesOptions {
  readonly program: string
  readonly directory: string
  readonly namespaces: Namespaces
  readonly networks: NodeNetworks
  readonly identity: Identity
}

const answersOk = async (url: string) => {
  const { status } = await fetch(url)
  if (status !== 200) throw new Error(`${url} answers ${status}`)
}

/** Starts kube-proxy: it makes the addresses of Services lead to pods. */
export async function startKubeProxy(options: ServicesOptions & { readonly nodeName: string }): Promise<void> {
  const { networks } = options
  const configuration = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    bindAddress: networks.node,
    healthzBindAddress: `${networks.node}:10256`,
    metricsBindAddress: `${networks.node}:10249`,
    hostnameOverride: options.nodeName,
    clientConnection: { kubeconfig: options.identity.kubeconfig },
    clusterCIDR: bothOf(networks.pods, networks.ipv6?.pods),
    // The table of connections is the machine's, and its limits are none of ours.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    iptables: { minSyncPeriod: '100ms' },
  }
  const file = join(options.directory, 'kube-proxy.json')
  await writeFile(file, JSON.stringify(configuration))
  await startProgram(options.namespaces.inside([options.program, `--config=${file}`]), {
    logFile: join(options.directory, 'kube-proxy.log'),
    ready: () => answersOk(`http://${networks.node}:10256/healthz`),
    readyWithinMs: 60_000,
  })
}

/** Starts CoreDNS on the address of the node, for the names of the cluster alone. */
export async function startDns(options: ServicesOptions): Promise<void> {
  const { networks } = options
  const configuration = `.:53 {
  bind ${networks.node}
  errors
  ready ${networks.node}:8181
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${options.identity.kubeconfig}
    pods insecure
    ttl 2
  }
}
`
  const file = join(options.directory, 'Corefile')
  await writeFile(file, configuration)
  await startProgram(options.namespaces.inside([options.program, '-conf', file]), {
    logFile: join(options.directory, 'coredns.log'),
    ready: () => answersOk(`http://${networks.node}:8181/ready`),
    readyWithinMs: 60_000,
  })
}
