import net from 'node:net'
import type { ProxyHeaderVerdict } from './header.ts'

/** How every version 1 header begins. */
export const V1_START = Buffer.from('PROXY ', 'latin1')

/** The longest version 1 header, CRLF included (proxy-protocol.txt, 2.1). */
const V1_MAX = 107

const PORT = /^(0|[1-9][0-9]{0,4})$/

const invalid = (detail: string): ProxyHeaderVerdict => ({ kind: 'invalid', detail })

/** Judges bytes that begin like {@link V1_START}. */
export function parseV1(bytes: Buffer): ProxyHeaderVerdict {
  const end = bytes.subarray(0, V1_MAX).indexOf('\r\n', 0, 'latin1')
  if (end < 0) return bytes.length < V1_MAX ? { kind: 'more' } : invalid(`the line does not end within ${V1_MAX} bytes`)
  const length = end + 2
  const fields = bytes.toString('latin1', V1_START.length, end).split(' ')
  const [family = '', source = '', destination = '', sourcePort = '', destinationPort = ''] = fields
  const header = { kind: 'header', version: 1, length, command: 'PROXY', tlvs: [] } as const
  // What follows UNKNOWN is for people and is not looked at.
  if (family === 'UNKNOWN') return { ...header, source: undefined, destination: undefined }
  if (family !== 'TCP4' && family !== 'TCP6') return invalid('the protocol is none of TCP4, TCP6 and UNKNOWN')
  if (fields.length !== 5) return invalid(`${family} has ${fields.length - 1} fields instead of 4`)
  const isAddress = family === 'TCP4' ? net.isIPv4 : isPlainIPv6
  if (!isAddress(source) || !isAddress(destination)) return invalid(`an address is not one of ${family}`)
  if (!isPort(sourcePort) || !isPort(destinationPort)) return invalid('a port is not a number from 0 to 65535')
  return {
    ...header,
    source: { address: source, port: Number(sourcePort) },
    destination: { address: destination, port: Number(destinationPort) },
  }
}

const isPlainIPv6 = (text: string) => net.isIPv6(text) && !text.includes('%')

const isPort = (text: string) => PORT.test(text) && Number(text) <= 65535
