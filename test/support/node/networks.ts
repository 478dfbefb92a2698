import { existsSync } from 'node:fs'
import { BlockList } from 'node:net'
import { runProgram } from '../control-plane/run-program.ts'
import { hold } from '../ports.ts'
import type { Namespaces } from './namespaces.ts'

/** The networks of one node. */
export interface NodeNetworks {
  /** Tells apart the nodes of a machine. */
  readonly index: number
  /** Range of the pods, in CIDR notation. */
  readonly pods: string
  /** Address of the node: the first of the pods' range, on their bridge. */
  readonly node: string
  /** Range of the Services, in CIDR notation. */
  readonly services: string
  /** Address of the Service `kubernetes`. */
  readonly kubernetes: string
  /** The two ends of the wire between the machine and the node. */
  readonly outer: string
  readonly inner: string
  /** Name of the outer end. */
  readonly device: string
}

/** So many nodes may be on one machine at a time. */
const MOST = 16

/** The networks with a number. */
export const networksOf = (index: number): NodeNetworks => ({
  index,
  pods: `10.200.${index}.0/24`,
  node: `10.200.${index}.1`,
  services: `10.201.${index}.0/24`,
  kubernetes: `10.201.${index}.1`,
  outer: `10.202.${index}.1`,
  inner: `10.202.${index}.2`,
  device: `socketserver${index}`,
})

const env = { PATH: process.env['PATH'] ?? '' }

async function runHere(command: readonly [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, { env })
  if (code !== 0) throw new Error(`"${command.join(' ')}" ended with ${code}: ${stderr || stdout}`)
  return stdout
}

/** A route of the machine, as `ip -json route` tells it. */
interface Route {
  /** `default`, an address, or a range in CIDR notation. */
  readonly dst: string
}

const contains = (range: string, address: string): boolean => {
  const [start = '', bits = '32'] = range.split('/')
  const list = new BlockList()
  list.addSubnet(start, Number(bits))
  return list.check(address)
}

const firstOf = (range: string): string => range.split('/')[0] ?? range

const overlap = (one: string, other: string) => contains(one, firstOf(other)) || contains(other, firstOf(one))

/** Whether no route but the default one leads to an address of the networks. */
export function areFree({ pods, services, outer }: NodeNetworks, routes: readonly Route[]): boolean {
  const destinations = routes.map(({ dst }) => dst).filter((dst) => dst !== 'default')
  return [pods, services, `${outer}/30`].every((range) => !destinations.some((one) => overlap(range, one)))
}

const readRoutes = async () =>
  JSON.parse((await runHere(['ip', '-json', '-4', 'route', 'show', 'table', 'all'])) || '[]') as Route[]

/**
 * Takes networks that this machine has no route to, for as long as this process lives.
 *
 * @throws when the machine has routes to all of them.
 */
export async function takeNetworks(): Promise<NodeNetworks> {
  for (let index = 0; index < MOST; index += 1) {
    const networks = networksOf(index)
    if (!(await hold(`socketserver-test-node-${index}`))) continue
    // Whoever had them is gone, and it may take minutes until the kernel has forgotten the last connection on the wire.
    if (existsSync(`/sys/class/net/${networks.device}`)) await runHere(['ip', 'link', 'delete', networks.device])
    if (areFree(networks, await readRoutes())) return networks
  }
  const [first, last] = [networksOf(0), networksOf(MOST - 1)]
  throw new Error(
    `no network is left for a node: ${first.pods} to ${last.pods}, ${first.services} to ${last.services} and ` +
      `${first.outer} to ${last.inner} are routed already, or other nodes run; remove those routes or end those nodes`,
  )
}

/** Wires the namespaces to the machine and makes the bridge of the pods. Disposing cuts the wire; the rest goes with the namespaces. */
export async function wireNetworks(networks: NodeNetworks, namespaces: Namespaces): Promise<AsyncDisposable> {
  const { pods, node, services, outer, inner, device } = networks
  const peer = ['type', 'veth', 'peer', 'name', 'uplink', 'netns', String(namespaces.pid)]
  await runHere(['ip', 'link', 'add', device, ...peer])
  await namespaces.run([
    '/bin/sh',
    '-euc',
    `
ip addr add ${inner}/30 dev uplink
ip link set uplink up
# With an address of its own, a bridge keeps it when ports come and go.
ip link add cni0 address 02:00:0a:c8:00:01 type bridge
ip addr add ${node}/24 dev cni0
ip link set cni0 up
echo 1 > /proc/sys/net/ipv4/ip_forward
# Where the kernel has it, what pods on one bridge say to each other passes through kube-proxy's rules, too.
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables; fi
`,
  ])
  await runHere(['ip', 'addr', 'add', `${outer}/30`, 'dev', device])
  await runHere(['ip', 'link', 'set', device, 'up'])
  for (const range of [pods, services])
    await runHere(['ip', 'route', 'add', range, 'via', inner, 'dev', device, 'onlink'])
  return {
    async [Symbol.asyncDispose]() {
      if (existsSync(`/sys/class/net/${device}`)) await runHere(['ip', 'link', 'delete', device])
    },
  }
}
