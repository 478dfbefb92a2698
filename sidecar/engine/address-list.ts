import net from 'node:net'

/** A list of IP literals and CIDRs (RFC 4632), checked by the contract; undefined for an empty one. */
export function addressList(entries: readonly string[]): net.BlockList | undefined {
  if (entries.length === 0) return undefined
  const list = new net.BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    if (prefix === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(prefix), familyOf(address))
  }
  return list
}

/** Whether the list holds the address. */
export function holds(list: net.BlockList, address: string): boolean {
  return list.check(address, familyOf(address))
}

const familyOf = (address: string) => (net.isIPv6(address) ? 'ipv6' : 'ipv4')
