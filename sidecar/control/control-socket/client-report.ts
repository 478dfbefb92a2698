import type { ClientPhase, ClientState } from '../../engine/ports.ts'
import { endpoint } from '../client-line.ts'

/** One connected client. Fields have the names they have in the log; what does not apply is left out. */
export interface ClientReport {
  readonly clientId: string
  readonly listener: string
  /** Empty when no host is selected. */
  readonly host: string
  readonly peer: string
  /** Address and port the client asked for. */
  readonly local: string
  readonly phase: ClientPhase
  readonly ageMs: number
  readonly idleMs: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly serverName?: string
  readonly alpn?: string
  readonly tlsVersion?: string
  readonly cipher?: string
  readonly group?: string
  readonly resumed?: boolean
  readonly clientSubject?: string
  readonly backend?: string
}

/** Puts the state of a client into words. */
export function clientReport(client: ClientState): ClientReport {
  const { serverName, alpnProtocol, tls, backend } = client
  return {
    clientId: client.clientId,
    listener: client.listener,
    host: client.hostTag,
    peer: endpoint(client.peerAddress, client.peerPort),
    local: endpoint(client.localAddress, client.localPort),
    phase: client.phase,
    ageMs: Math.max(0, Math.round(client.ageMs)),
    idleMs: Math.max(0, Math.round(client.idleMs)),
    receivedBytes: client.receivedBytes,
    sentBytes: client.sentBytes,
    ...(serverName === undefined ? {} : { serverName }),
    ...(alpnProtocol ? { alpn: alpnProtocol } : {}),
    ...(tls === undefined ? {} : tlsFields(tls)),
    ...(backend === '' ? {} : { backend }),
  }
}

function tlsFields({ version, cipher, group, resumed, peerCertificate }: NonNullable<ClientState['tls']>) {
  return {
    tlsVersion: version,
    cipher,
    ...(group === '' ? {} : { group }),
    resumed,
    ...(peerCertificate === undefined ? {} : { clientSubject: peerCertificate.subject }),
  }
}
