import { Duplex } from 'node:stream'
import type { ProxiedClient } from '../../../../../sidecar/handlers/proxy-protocol/encode-v2.ts'

/** A client of a plain listener over IPv4, with `changes` laid over it. */
export function proxiedClient(changes: Partial<ProxiedClient> = {}): ProxiedClient {
  return {
    clientId: 'c-1',
    stream: new Duplex(),
    peerAddress: '192.0.2.1',
    peerPort: 8080,
    localAddress: '198.51.100.2',
    localPort: 443,
    hostTag: 'shop',
    serverName: undefined,
    alpnProtocol: undefined,
    tls: undefined,
    ...changes,
  }
}
