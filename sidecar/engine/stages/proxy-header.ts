import net from 'node:net'
import { addressList, holds } from '../address-list.ts'
import type { ListenerConfiguration } from '../configuration.ts'
import type { Connection } from '../connection.ts'
import { parseProxyHeader } from '../proxy-protocol/parse.ts'
import { type Prefix, readPrefix } from './read-prefix.ts'
import { plainAddress } from './source.ts'

/** Whose PROXY protocol header is believed, prepared once per configuration. */
export interface ProxySettings {
  readonly mode: 'None' | 'Optional' | 'Require'
  readonly trusted: net.BlockList
}

/** Milliseconds a plain listener with `Optional` waits for a header: a client of a protocol whose server speaks first says nothing. */
const OPTIONAL_WAIT_MS = 3_000

/** Prepares a listener's settings. Entries are IP literals or CIDRs, checked by the contract. */
export function proxySettings(settings: ListenerConfiguration['proxyProtocol']): ProxySettings {
  return { mode: settings.mode, trusted: addressList(settings.trustedSources) ?? new net.BlockList() }
}

type Reading = Exclude<ReturnType<typeof parseProxyHeader>, { kind: 'more' }>

function judge(bytes: Buffer): Prefix<Reading> {
  const header = parseProxyHeader(bytes)
  if (header.kind === 'more') return { kind: 'more', atLeast: bytes.length + 1 }
  return { kind: 'done', value: header, consumed: header.kind === 'header' ? header.length : 0 }
}

/** Whether the connection comes from a source whose PROXY protocol header is believed. */
export function speaksForOthers(connection: Connection, settings: ProxySettings): boolean {
  return settings.mode !== 'None' && holds(settings.trusted, connection.peerAddress)
}

/**
 * Reads the PROXY protocol header (haproxy's proxy-protocol.txt, v1 and v2) of a trusted source and lays the addresses
 * it names over the connection. Returns false when the connection was closed instead.
 */
export async function readProxyHeader(connection: Connection, settings: ProxySettings): Promise<boolean> {
  const { peerAddress } = connection
  if (!speaksForOthers(connection, settings)) {
    if (settings.mode === 'Optional') return true
    connection.close('ProxySourceUntrusted', `${peerAddress} is not in trustedSources`)
    return false
  }
  const quiet = new AbortController()
  const timer = settings.mode === 'Optional' ? setTimeout(() => quiet.abort(), OPTIONAL_WAIT_MS) : undefined
  const reading = await new Promise<Reading | 'aborted' | undefined>((told) =>
    readPrefix(connection.socket, judge, told, quiet.signal),
  )
  clearTimeout(timer)
  if (connection.closed) return false
  if (reading === 'aborted') return true
  if (reading === undefined) connection.close('ClientGone', 'the client left before its PROXY header')
  else if (reading.kind === 'invalid') connection.close('ProxyHeaderInvalid', reading.detail)
  else if (reading.kind === 'none') {
    if (settings.mode === 'Optional') return true
    connection.close('ProxyHeaderMissing', 'the listener requires a PROXY protocol header')
  } else {
    if (reading.source && reading.destination) {
      connection.peerAddress = plainAddress(reading.source.address)
      connection.peerPort = reading.source.port
      connection.localAddress = plainAddress(reading.destination.address)
      connection.localPort = reading.destination.port
    }
    return true
  }
  return false
}
