import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { within } from './deadline.ts'
import { type Origin, openSocket, originOf, sendPieces, type Target } from './raw-client.ts'
import { createReader, type Reader } from './reader.ts'

/** Options of `node:tls` (servername, ALPNProtocols, minVersion, ciphers, ecdhCurve, cert, key, session, ca ...) and these. */
export type TlsClientOptions = Target &
  Omit<ConnectionOptions, 'port' | 'host' | 'path' | 'socket'> & {
    /** Sent before TLS, for example a PROXY protocol header. */
    readonly before?: Buffer | string
    /** Cuts the first flight (the ClientHello) into pieces that travel alone. */
    readonly cutHello?: (hello: Buffer) => readonly Buffer[]
    /** Time between those pieces, 0. */
    readonly pieceDelayMs?: number
    /** Called when the TCP connection stands, also when the handshake will fail. */
    readonly opened?: (origin: Origin) => void
  }

/** A client whose handshake is done on its side. Under TLS 1.3 a refusal of its certificate comes only after that. */
export interface TlsClient extends Reader, AsyncDisposable {
  readonly socket: TLSSocket
  readonly origin: Origin
  /** What TLS runs on. */
  readonly transport: Socket
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string
  /** Standard name, for example `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** Key exchange group, for example `X25519MLKEM768` or `P-256`; empty when the session was resumed without one. */
  readonly group: string
  /** Negotiated ALPN protocol. */
  readonly alpn: string | undefined
  readonly resumed: boolean
  /** DNS names of the server's certificate. */
  readonly serverNames: readonly string[]
  /** Lower-case hexadecimal SHA-256 of the server's certificate. */
  readonly serverSha256: string
  /** The first session ticket (TLS 1.3) or the session (TLS 1.2), for the option `session`. */
  session(): Promise<Buffer>
  /** Writes the text and resolves with as many bytes as it has: what an echo answers. */
  request(text: string): Promise<string>
}

/** A socket-like stream that sends the first write in pieces and everything else as it is. */
function cutFirstWrite(socket: Socket, cut: (hello: Buffer) => readonly Buffer[], delayMs: number): Duplex {
  let first = true
  const duplex = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      const pieces = first ? cut(chunk) : [chunk]
      const delay = first ? delayMs : 0
      first = false
      sendPieces(socket, pieces, delay).then(() => done(), done)
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk) => {
    if (!duplex.push(chunk)) socket.pause()
  })
  socket.on('end', () => duplex.push(null))
  socket.on('error', (error) => duplex.destroy(error))
  socket.on('close', () => duplex.destroy())
  return duplex
}

/** The library's names of curves, in those of manifests and logs. */
const NIST_NAMES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** The parts of a client before its handshake. */
interface OpenedTls {
  readonly socket: TLSSocket
  readonly raw: Socket
  readonly origin: Origin
}

async function openTls(options: TlsClientOptions): Promise<OpenedTls> {
  const { before, cutHello, pieceDelayMs = 0, opened, ...tls } = options
  const raw = await openSocket('path' in options ? { path: options.path } : options)
  const origin = originOf(raw)
  opened?.(origin)
  if (before !== undefined) raw.write(before)
  const socket = connect({
    // Names and trust are what the tests judge themselves, save when they give a CA.
    rejectUnauthorized: tls.ca !== undefined,
    checkServerIdentity: () => undefined,
    ...(tls as ConnectionOptions),
    host: undefined,
    port: undefined,
    path: undefined,
    socket: cutHello === undefined ? raw : cutFirstWrite(raw, cutHello, pieceDelayMs),
  } as ConnectionOptions)
  return { socket, raw, origin }
}

/** Connects and completes the handshake; rejects with OpenSSL's or the system's error when it fails. */
export async function connectTls(options: TlsClientOptions): Promise<TlsClient> {
  const { socket, raw, origin } = await openTls(options)
  const firstSession = new Promise<Buffer>((resolve) => socket.once('session', resolve))
  try {
    await within(10_000, 'the handshake', once(socket, 'secureConnect'))
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
  const reader = createReader(socket)
  const certificate = socket.getPeerX509Certificate()
  const { name: group = '' } = (socket.getEphemeralKeyInfo() ?? {}) as { name?: string }
  return {
    ...reader,
    socket,
    origin,
    transport: raw,
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    group: NIST_NAMES[group] ?? group,
    alpn: socket.alpnProtocol || undefined,
    resumed: socket.isSessionReused(),
    serverNames: [...(certificate?.subjectAltName ?? '').matchAll(/DNS:([^,]+)/g)].map(([, name]) => name as string),
    serverSha256: (certificate?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase(),
    session: () => within(5_000, 'a session', firstSession),
    async request(text) {
      socket.write(text)
      return (await reader.bytes(Buffer.byteLength(text))).toString()
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

/**
 * The error code by which the server refuses this client, for example `ERR_SSL_TLSV1_UNRECOGNIZED_NAME` or
 * `ECONNRESET`; `closed` when the connection is closed without one. Rejects when the server serves the client: when
 * bytes come, or nothing happens for `withinMs` (5 s).
 */
export async function refusalOf(options: TlsClientOptions, withinMs = 5_000): Promise<string> {
  let client: TlsClient
  try {
    client = await connectTls(options)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
  await using _ = client
  // The server's verdict on a certificate follows its own flight under TLS 1.3; a byte makes any service answer.
  client.socket.write('?')
  const first = await client.bytes(1, withinMs).catch((error: unknown) => {
    if (client.socket.destroyed || client.socket.readableEnded) return undefined
    throw error
  })
  if (first !== undefined) throw new Error('the client is served, not refused: bytes came back')
  return client.broken()?.code ?? 'closed'
}
