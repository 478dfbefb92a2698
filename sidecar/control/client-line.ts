import type { LogFields } from '../base/log.ts'
import type { ClientRecord } from '../engine/ports.ts'

/** Address and port as one word: `192.0.2.1:443`, `[2001:db8::1]:443`. */
export const endpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** The message of the line that each connection has, at its end. */
export const CLIENT_CLOSED = 'client closed'

/** The fields of the line {@link CLIENT_CLOSED}. What does not apply (TLS facts of a plain client, an empty detail) is undefined and left out. */
export const clientFields = (record: ClientRecord): LogFields => ({
  clientId: record.clientId,
  listener: record.listener,
  host: record.hostTag || undefined,
  peer: endpoint(record.peerAddress, record.peerPort),
  serverName: record.serverName,
  alpn: record.alpnProtocol || undefined,
  tlsVersion: record.tls?.version,
  cipher: record.tls?.cipher,
  group: record.tls?.group || undefined,
  resumed: record.tls?.resumed,
  clientSubject: record.tls?.peerCertificate?.subject,
  backend: record.backend || undefined,
  receivedBytes: record.receivedBytes,
  sentBytes: record.sentBytes,
  durationMs: Math.round(record.durationMs),
  reason: record.reason,
  detail: record.detail || undefined,
})
