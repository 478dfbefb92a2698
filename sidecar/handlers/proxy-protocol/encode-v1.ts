import { addressText } from '../../engine/proxy-protocol/address.ts'
import { addressPair, type ProxiedAddresses } from './address-pair.ts'

/** The PROXY protocol header of version 1 for a client (proxy-protocol.txt, 2.1); `UNKNOWN` without IP addresses. At most 107 bytes. */
export function encodeProxyV1(client: ProxiedAddresses): Buffer {
  const pair = addressPair(client)
  if (!pair) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
  const family = pair.source.length === 4 ? 'TCP4' : 'TCP6'
  const addresses = `${addressText(pair.source)} ${addressText(pair.destination)}`
  return Buffer.from(`PROXY ${family} ${addresses} ${client.peerPort} ${client.localPort}\r\n`, 'latin1')
}
