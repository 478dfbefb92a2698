import { TLSSocket } from 'node:tls'
import type { SocketClient, TlsFacts } from '../../engine/ports.ts'
import { V2_SIGNATURE } from '../../engine/proxy-protocol/parse-v2.ts'
import { addressPair, type ProxiedAddresses } from './address-pair.ts'

/** What the header of version 2 tells of a client. */
export type ProxiedClient = ProxiedAddresses &
  Pick<SocketClient, 'clientId' | 'stream' | 'hostTag' | 'serverName' | 'alpnProtocol' | 'tls'>

/** The TLV that carries the hostTag: the first type left to applications (PP2_TYPE_MIN_CUSTOM). */
export const HOST_TAG_TLV = 0xe0

// proxy-protocol.txt, 2.2 to 2.2.6.
const VERSION_2_PROXY = 0x21
const FAMILY = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21 } as const
const TYPE = { alpn: 0x01, authority: 0x02, uniqueId: 0x05, ssl: 0x20 } as const
const SSL_TYPE = { version: 0x21, commonName: 0x22, cipher: 0x23 } as const
const SSL_FLAG = { overTls: 0x01, certificateInConnection: 0x02, certificateInSession: 0x04 } as const

/** A longer common name (RFC 5280 allows 64 characters) is left out rather than cut to another's. */
const COMMON_NAME_MAX = 256

/** The PROXY protocol header of version 2 for a client, with all that is known of it in TLVs. */
export function encodeProxyV2(client: ProxiedClient): Buffer {
  const parts = [addresses(client)]
  if (client.alpnProtocol) parts.push(tlv(TYPE.alpn, client.alpnProtocol))
  if (client.serverName) parts.push(tlv(TYPE.authority, client.serverName))
  parts.push(tlv(TYPE.uniqueId, client.clientId))
  if (client.tls) parts.push(tlv(TYPE.ssl, ssl(client.tls, cipherName(client, client.tls))))
  parts.push(tlv(HOST_TAG_TLV, client.hostTag))

  const payload = Buffer.concat(parts)
  const fixed = Buffer.alloc(16)
  V2_SIGNATURE.copy(fixed)
  fixed.writeUInt8(VERSION_2_PROXY, 12)
  fixed.writeUInt8(familyOf(parts[0]), 13)
  fixed.writeUInt16BE(payload.length, 14)
  return Buffer.concat([fixed, payload])
}

/** Source, destination and ports; nothing when an end is no IP address. */
function addresses(client: ProxiedAddresses): Buffer {
  const pair = addressPair(client)
  if (!pair) return Buffer.alloc(0)
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(client.peerPort, 0)
  ports.writeUInt16BE(client.localPort, 2)
  return Buffer.concat([pair.source, pair.destination, ports])
}

const familyOf = (part: Buffer | undefined) =>
  part?.length === 12 ? FAMILY.tcp4 : part?.length === 36 ? FAMILY.tcp6 : FAMILY.unspecified

function tlv(type: number, value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  const head = Buffer.alloc(3)
  head.writeUInt8(type, 0)
  head.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** The value of PP2_TYPE_SSL: flags, the result of verification (0: a certificate came and is good), and facts. */
function ssl(facts: TlsFacts, cipher: string): Buffer {
  const certificate = facts.peerCertificate
  const head = Buffer.alloc(5)
  let flags: number = SSL_FLAG.overTls
  // Under resumption the certificate is remembered by the session and not shown again.
  if (certificate) flags |= SSL_FLAG.certificateInSession | (facts.resumed ? 0 : SSL_FLAG.certificateInConnection)
  head.writeUInt8(flags, 0)
  head.writeUInt32BE(certificate ? 0 : 1, 1)
  const parts = [head, tlv(SSL_TYPE.version, facts.version)]
  if (certificate && certificate.commonName !== '' && Buffer.byteLength(certificate.commonName) <= COMMON_NAME_MAX)
    parts.push(tlv(SSL_TYPE.commonName, certificate.commonName))
  parts.push(tlv(SSL_TYPE.cipher, cipher))
  return Buffer.concat(parts)
}

/** OpenSSL's name of the cipher, which is what receivers of this TLV know; for TLS 1.3 it is the standard one. */
function cipherName({ stream }: ProxiedClient, facts: TlsFacts): string {
  return (stream instanceof TLSSocket && stream.getCipher()?.name) || facts.cipher
}
