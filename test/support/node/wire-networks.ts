import { existsSync } from 'node:fs'
import type { Namespaces } from './namespaces.ts'
import type { Ipv6Networks, NodeNetworks } from './networks.ts'
import { runHere } from './run-here.ts'

async function wireIpv6(networks: Ipv6Networks, device: string, namespaces: Namespaces): Promise<void> {
  const { pods, node, services, outer, inner } = networks
  // Nobody else is on the wire who might have the same address, so nobody is waited for.
  await namespaces.run([
    '/bin/sh',
    '-euc',
    `
ip -6 addr add ${inner}/126 dev uplink nodad
ip -6 addr add ${node}/64 dev cni0 nodad
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
`,
  ])
  await runHere(['ip', '-6', 'addr', 'add', `${outer}/126`, 'dev', device, 'nodad'])
  for (const range of [pods, services])
    await runHere(['ip', '-6', 'route', 'add', range, 'via', inner, 'dev', device, 'onlink'])
}

/** Wires the namespaces to the machine and makes the bridge of the pods. Disposing cuts the wire; the rest goes with the namespaces. */
export async function wireNetworks(networks: NodeNetworks, namespaces: Namespaces): Promise<AsyncDisposable> {
  const { pods, node, services, outer, inner, device, ipv6 } = networks
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
  if (ipv6 !== undefined) await wireIpv6(ipv6, device, namespaces)
  return {
    async [Symbol.asyncDispose]() {
      if (existsSync(`/sys/class/net/${device}`)) await runHere(['ip', 'link', 'delete', device])
    },
  }
}
