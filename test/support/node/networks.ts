import { existsSync, readFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { hold } from '../ports.ts'
import { runHere } from './run-here.ts'

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
  /** The same for IPv6, where the machine has it. */
  readonly ipv6: Ipv6Networks | undefined
}

/** The networks of one node for IPv6. */
export interface Ipv6Networks {
  readonly pods: string
  readonly node: string
  readonly services: string
  readonly outer: string
  readonly inner: string
}

/** So many nodes may be on one machine at a time. */
const MOST = 16

/** Local addresses, of a random prefix (RFC 4193). */
const LOCAL = 'fd6b:8e3f:27c1'

const ipv6Of = (index: number): Ipv6Networks => ({
  pods: `${LOCAL}:${index.toString(16)}1::/64`,
  node: `${LOCAL}:${index.toString(16)}1::1`,
  services: `${LOCAL}:${index.toString(16)}2::/112`,
  outer: `${LOCAL}:${index.toString(16)}3::1`,
  inner: `${LOCAL}:${index.toString(16)}3::2`,
})

/** The networks with a number, below 16. */
export const networksOf = (index: number, hasIpv6 = false): NodeNetworks => ({
  index,
  pods: `10.200.${index}.0/24`,
  node: `10.200.${index}.1`,
  services: `10.201.${index}.0/24`,
  kubernetes: `10.201.${index}.1`,
  outer: `10.202.${index}.1`,
  inner: `10.202.${index}.2`,
  device: `socketserver${index}`,
  ipv6: hasIpv6 ? ipv6Of(index) : undefined,
})

/** As programs take two: that of IPv4, and that of IPv6 where there is one. */
export const bothOf = (ipv4: string, ipv6: string | undefined): string =>
  ipv6 === undefined ? ipv4 : `${ipv4},${ipv6}`

/** A route of the machine, as `ip -json route` tells it. */
interface Route {
  /** `default`, an address, or a range in CIDR notation. */
  readonly dst: string
}

const contains = (range: string, address: string): boolean => {
  const [start = '', bits] = range.split('/')
  const family = start.includes(':') ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(start, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  return list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

const firstOf = (range: string): string => range.split('/')[0] ?? range

const overlap = (one: string, other: string) => contains(one, firstOf(other)) || contains(other, firstOf(one))

/** Whether no route but the default one leads to an address of the networks. */
export function areFree({ pods, services, outer, ipv6 }: NodeNetworks, routes: readonly Route[]): boolean {
  const destinations = routes.map(({ dst }) => dst).filter((dst) => dst !== 'default')
  const ranges = [pods, services, `${outer}/30`]
  if (ipv6 !== undefined) ranges.push(ipv6.pods, ipv6.services, `${ipv6.outer}/126`)
  return ranges.every((range) => !destinations.some((one) => overlap(range, one)))
}

async function readRoutes(family: '-4' | '-6'): Promise<Route[]> {
  return JSON.parse((await runHere(['ip', '-json', family, 'route', 'show', 'table', 'all'])) || '[]') as Route[]
}

/** Whether interfaces of the machine, new ones too, have IPv6, and kube-proxy what it needs for it. */
async function hasIpv6(): Promise<boolean> {
  const isOn = ['all', 'default'].every((which) => {
    const switchOff = `/proc/sys/net/ipv6/conf/${which}/disable_ipv6`
    return existsSync(switchOff) && readFileSync(switchOff, 'utf8').trim() === '0'
  })
  if (!isOn) return false
  return runHere(['unshare', '--net', 'ip6tables', '-t', 'nat', '-S']).then(
    () => true,
    () => false,
  )
}

/**
 * Takes networks that this machine has no route to, for as long as this process lives.
 *
 * @throws when the machine has routes to all of them.
 */
export async function takeNetworks(): Promise<NodeNetworks> {
  const isDual = await hasIpv6()
  for (let index = 0; index < MOST; index += 1) {
    const networks = networksOf(index, isDual)
    if (!(await hold(`socketserver-test-node-${index}`))) continue
    // Whoever had them is gone, and it may take minutes until the kernel has forgotten the last connection on the wire.
    if (existsSync(`/sys/class/net/${networks.device}`)) await runHere(['ip', 'link', 'delete', networks.device])
    const routes = [...(await readRoutes('-4')), ...(isDual ? await readRoutes('-6') : [])]
    if (areFree(networks, routes)) return networks
  }
  const [first, last] = [networksOf(0), networksOf(MOST - 1)]
  throw new Error(
    `no network is left for a node: ${first.pods} to ${last.pods}, ${first.services} to ${last.services} and ` +
      `${first.outer} to ${last.inner} are routed already, or other nodes run; remove those routes or end those nodes`,
  )
}
