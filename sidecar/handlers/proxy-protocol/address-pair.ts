import type { SocketClient } from '../../engine/ports.ts'
import { addressBytes } from '../../engine/proxy-protocol/address.ts'

/** What both versions of the header tell of a connection. */
export type ProxiedAddresses = Pick<SocketClient, 'peerAddress' | 'peerPort' | 'localAddress' | 'localPort'>

/** `::ffff:0:0/96` (RFC 4291, 2.5.5.2). */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex')

/**
 * Both addresses as bytes of one family, because a header has one for both: an IPv4 address beside an IPv6 one is
 * written as mapped IPv6. Undefined when either is no IP address.
 */
export function addressPair(client: ProxiedAddresses): { source: Buffer; destination: Buffer } | undefined {
  const source = addressBytes(client.peerAddress)
  const destination = addressBytes(client.localAddress)
  if (source === undefined || destination === undefined) return undefined
  if (source.length === destination.length) return { source, destination }
  return { source: asIPv6(source), destination: asIPv6(destination) }
}

const asIPv6 = (bytes: Buffer) => (bytes.length === 4 ? Buffer.concat([MAPPED, bytes]) : bytes)
