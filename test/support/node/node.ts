import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../control-plane/control-plane.ts'
import type { Identity } from '../control-plane/identity.ts'
import { createTemporaryDirectory } from '../control-plane/temporary-directory.ts'
import { eventually } from '../eventually.ts'
import { CLUSTER_ROLES, USERS } from './cluster-roles.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import { createControlGroup } from './control-groups.ts'
import { findNodePrograms } from './find-node-programs.ts'
import { startKubelet } from './kubelet.ts'
import { type Namespaces, startNamespaces } from './namespaces.ts'
import { bothOf, type NodeNetworks, takeNetworks } from './networks.ts'
import { nodeObstacles, pluginDirectory } from './obstacles.ts'
import { startDns, startKubeProxy } from './services.ts'
import { wireNetworks } from './wire-networks.ts'

/** A cluster of one real node. Disposing ends and removes all of it; so does the end of this process. */
export interface TestNode extends AsyncDisposable {
  readonly name: string
  readonly plane: ControlPlane
  readonly networks: NodeNetworks
  readonly namespaces: Namespaces
  /** Logs and state of the programs. */
  readonly directory: string
  readonly importImages: Containerd['importImages']
  readonly tagImage: Containerd['tagImage']
  /** Where the pods' processes are found: one directory for each hierarchy of control groups. */
  readonly controlGroups: readonly string[]
}

async function grant(admin: Identity): Promise<void> {
  for (const role of CLUSTER_ROLES) {
    const path = `/apis/${role.apiVersion}/${role.kind.toLowerCase()}s`
    const { status, body } = await admin.request(path, { body: role })
    if (status !== 201) throw new Error(`${role.kind} "${role.metadata.name}": ${status} ${JSON.stringify(body)}`)
  }
}

async function nodeIsReady(admin: Identity, name: string): Promise<void> {
  const { body } = await admin.request(`/api/v1/nodes/${name}`)
  const { conditions = [] } = (
    body as { status?: { conditions?: { type: string; status: string; message: string }[] } }
  ).status ?? { conditions: [] }
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') throw new Error(`node "${name}" is not ready: ${ready?.message ?? 'it tells nothing'}`)
}

/**
 * Makes a cluster of one node out of this machine: a control plane, containerd, a kubelet, kube-proxy and DNS, in namespaces
 * of their own (mounts, network, processes). A wire with routes leads to its pods and Services, so this process
 * reaches them by their addresses. Ready after some 15 s once the programs exist.
 *
 * @throws with everything that keeps a node from being made here, and its cure.
 *
 * @example
 * await using node = await startNode()
 * await node.importImages('socketserver.tar')
 * await node.plane.admin.kubectl(['apply', '-f', 'examples/limits.yaml'])
 */
export async function startNode(options: { readonly auditPolicy?: object } = {}): Promise<TestNode> {
  const obstacles = nodeObstacles()
  const plugins = pluginDirectory()
  if (obstacles.length > 0 || plugins === undefined) throw new Error(obstacles.join('; '))
  const programs = await findNodePrograms((line) => process.stderr.write(`node: ${line}\n`))
  const stack = new AsyncDisposableStack()
  try {
    const { path: directory } = stack.use(await createTemporaryDirectory('socketserver-node-'))
    const controlGroup = stack.use(await createControlGroup())
    const networks = await takeNetworks()
    const name = `node-${networks.index}`
    const namespaces = stack.use(await startNamespaces(programs.pause))
    stack.use(await wireNetworks(networks, namespaces))
    const own = { directory, namespaces, networks }
    const startingRuntime = startContainerd({ ...own, plugins, pause: programs.pause })
    startingRuntime.catch(() => {})
    const plane = stack.use(
      await startControlPlane({
        controllerManager: true,
        // Elsewhere it gives up its lease and starts anew when the API server is away, and then waits for nodes afresh.
        controllerManagerArgs: ['--node-monitor-grace-period=5m'],
        scheduler: true,
        ...(options.auditPolicy === undefined ? {} : { auditPolicy: options.auditPolicy }),
        network: {
          address: networks.node,
          enter: namespaces.inNetwork,
          serviceRange: bothOf(networks.services, networks.ipv6?.services),
          serviceAddress: networks.kubernetes,
        },
      }),
    )
    await grant(plane.admin)
    const runtime = await startingRuntime
    const identities = {
      dns: await plane.identity(USERS.dns),
      proxy: await plane.identity(USERS.proxy),
      node: await plane.identity(USERS.node(name), ['system:nodes']),
    }
    await Promise.all([
      startDns({ ...own, program: programs.coredns, identity: identities.dns }),
      startKubeProxy({ ...own, program: programs['kube-proxy'], identity: identities.proxy, nodeName: name }),
      startKubelet({
        ...own,
        program: programs.kubelet,
        identity: identities.node,
        nodeName: name,
        controlGroup: controlGroup.name,
        runtimeEndpoint: runtime.endpoint,
        clientCa: join(plane.directory, 'certificates', 'ca.crt'),
      }),
    ])
    await eventually(() => nodeIsReady(plane.admin, name), { withinMs: 60_000, everyMs: 100 })
    return {
      ...{ name, plane, networks, namespaces, directory },
      importImages: runtime.importImages,
      tagImage: runtime.tagImage,
      controlGroups: controlGroup.directories,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
