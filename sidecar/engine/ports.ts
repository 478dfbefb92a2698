import type { Duplex } from 'node:stream'
import type { CloseReason } from './close-reason.ts'

/** What TLS settled with the client. */
export interface TlsFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string
  /** The cipher suite's standard name (RFC 8446 B.4), for example `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** The key exchange group, for example `X25519MLKEM768`; empty when the session was resumed without one or it used no group. */
  readonly group: string
  /** Whether the session was resumed by a ticket. */
  readonly resumed: boolean
  /** The verified client certificate, when one came. */
  readonly peerCertificate: PeerCertificate | undefined
}

/** A verified client certificate, reduced to what handlers and logs use. */
export interface PeerCertificate {
  /** Distinguished name on one line, for example `CN=alice, O=Example`. */
  readonly subject: string
  /** The last common name of the subject; empty without one. */
  readonly commonName: string
  /** DER. */
  readonly raw: Buffer
  /** Lower-case hexadecimal SHA-256 of the DER. */
  readonly sha256: string
}

/** One client of a listener as a handler sees it, after the stages admit, greet, select and secure. */
export interface SocketClient {
  /** Unique over the life of the engine, for example `c-18f2`. */
  readonly clientId: string
  /** The bytes: plain text on both plain and TLS listeners; the untouched TLS stream for a Passthrough host. Paused. */
  readonly stream: Duplex
  /** The client's own address: from a believed PROXY protocol header, else from the socket. */
  readonly peerAddress: string
  readonly peerPort: number
  /** The address the client asked for: from a believed PROXY protocol header, else from the socket. */
  readonly localAddress: string
  readonly localPort: number
  /** Name of the listener. */
  readonly listener: string
  readonly hostTag: string
  /** Lower-case server name the client asked for; undefined without SNI and on plain listeners. */
  readonly serverName: string | undefined
  /** The negotiated ALPN protocol. */
  readonly alpnProtocol: string | undefined
  /** Undefined on a plain listener and for a Passthrough host. */
  readonly tls: TlsFacts | undefined
  /** Backend that serves the client, as it shall appear in the log; set by the handler. */
  backend: string
  /** Bytes the handler has read from the client; kept by the handler. */
  receivedBytes: number
  /** Bytes the handler has written to the client; kept by the handler. */
  sentBytes: number
  /** True once the connection is closed; every later call of `close` does nothing. */
  readonly closed: boolean
  /** Called once when the connection closes, whoever closes it. At most one; set by the handler. */
  onClose: (() => void) | undefined
  /**
   * Whether the client certainly waits for nothing at this moment, as an HTTP client that keeps its connection does. Set
   * by a handler that can tell; a server that stops closes such a client when it has been quiet for a while.
   */
  isBetweenRequests: (() => boolean) | undefined
  /**
   * Ends the connection: the one way to do so. `Completed` lets what was written arrive first, any other reason
   * destroys the socket. `detail` is the technical cause for the log.
   */
  close(reason: CloseReason, detail?: string): void
}

/**
 * What is done with a client. Called once per client; it owns the client until it calls `client.close`.
 * What it throws (or rejects with) closes that client with `HandlerFailed` and harms nobody else.
 */
export interface Handler {
  /**
   * Present when the handler itself speaks HTTP: its clients get no banner, which they would take for a broken answer,
   * and the one over a limit gets 503.
   */
  readonly speaks?: 'http'
  /**
   * Present when whatever the handler does for a client is guarded by the handler: what its listeners and timers throw closes
   * that client. Others are followed through their timers and promises, which costs every client something.
   */
  readonly guardsItself?: true
  serve(client: SocketClient): void | Promise<void>
  /** Called when no new client will come: stops timers and probes. Clients in service are left alone. */
  dispose?(): void
}

/** Whether a listener listens, in the ancestor's sense of `State`. */
export interface ListenState {
  /** Name of the listener in the manifest. */
  readonly name: string
  /** Whether clients can connect. */
  readonly state: 'Listening' | 'Closed'
  /** The address of the manifest. */
  readonly address: string
  /** The port of the manifest. */
  readonly port: number
  /** The address family of the manifest. */
  readonly socketFamily: 'Any' | 'IPv4' | 'IPv6'
  /** Whether its clients speak TLS. */
  readonly tls: boolean
  /** Clients of this listener, from accept to close. */
  readonly clients: number
  /** Why it does not listen; empty when it does. */
  readonly error: string
}

/** What is known of a connection, at its end and before. */
export interface ClientFacts {
  /** Unique over the life of the engine, for example `c-18f2`. */
  readonly clientId: string
  /** Name of the listener that accepted it. */
  readonly listener: string
  /** Empty when no host was selected. */
  readonly hostTag: string
  /** Address of the client: from a believed PROXY protocol header, else from the socket. */
  readonly peerAddress: string
  /** Port of the client. */
  readonly peerPort: number
  /** Address the client asked for: from a believed PROXY protocol header, else from the socket. */
  readonly localAddress: string
  /** Port the client asked for. */
  readonly localPort: number
  /** Lower-case server name the client asked for; undefined without one. */
  readonly serverName: string | undefined
  /** The protocol negotiated by ALPN. */
  readonly alpnProtocol: string | undefined
  /** What the handshake settled; undefined before it, and where TLS is not ended here. */
  readonly tls: TlsFacts | undefined
  /** Who serves it, as in the log; empty while nobody does. */
  readonly backend: string
  /** Bytes received from the client. */
  readonly receivedBytes: number
  /** Bytes sent to the client. */
  readonly sentBytes: number
}

/**
 * The stage a client is in: `greet` until its hello is read and a host selected, `secure` during the handshake,
 * `serve` while a handler has it, `close` once its end is decided and its socket is not gone yet.
 */
export type ClientPhase = 'greet' | 'secure' | 'serve' | 'close'

/** One client that is connected, at the moment of the call. */
export interface ClientState extends ClientFacts {
  /** The stage it is in. */
  readonly phase: ClientPhase
  /** Milliseconds since accept. */
  readonly ageMs: number
  /** Milliseconds since a byte moved in either direction; may be too small, by at most 5 s. */
  readonly idleMs: number
}

/** Clients and bytes of one listener and host that are not told by a `ClientRecord` yet. */
export interface LiveTraffic {
  readonly listener: string
  /** Empty for clients without a host. */
  readonly hostTag: string
  /** From accept until the socket is gone. */
  clients: number
  receivedBytes: number
  sentBytes: number
}

/** The whole story of one connection, told once at its end. */
export interface ClientRecord extends ClientFacts {
  /** Milliseconds from accept to the end. */
  readonly durationMs: number
  /** Why it ended. */
  readonly reason: CloseReason
  /** The technical cause, for example an OpenSSL code; empty when the reason says all. */
  readonly detail: string
}

/** A client as it is known at accept. */
export type AcceptedClient = Pick<
  ClientFacts,
  'clientId' | 'listener' | 'peerAddress' | 'peerPort' | 'localAddress' | 'localPort'
>

/** Watches the engine. Calls are synchronous and on the hot path: an observer does next to nothing in them. */
export interface EngineObserver {
  /** A client was accepted: nothing is known of it but where it comes from and went to. */
  clientOpened(listener: string, client: AcceptedClient): void
  /** A handshake succeeded, after `milliseconds` since accept. */
  handshakeDone(listener: string, hostTag: string, facts: TlsFacts, milliseconds: number): void
  clientClosed(record: ClientRecord): void
  listenerChanged(state: ListenState): void
}
