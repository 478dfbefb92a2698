import type { GateSettings } from './gate.ts'
import type { Handler } from './ports.ts'
import type { TlsPolicy } from './tls/policy.ts'

/** Everything the engine serves, as plain values: it knows no file, no manifest and no cluster. */
export interface EngineConfiguration {
  /** `AllOrNothing`: one listener that cannot listen closes all; `BestEffort`: the others go on and it is retried. */
  readonly bindPolicy: 'AllOrNothing' | 'BestEffort'
  readonly gate: GateSettings
  readonly timeouts: EngineTimeouts
  readonly listeners: readonly ListenerConfiguration[]
  readonly hosts: readonly HostConfiguration[]
}

/** How long things may take, in milliseconds. */
export interface EngineTimeouts {
  /** From accept to the end of the handshake. */
  readonly handshakeMs: number
  /** Without a byte in either direction; 0 for no limit. */
  readonly idleMs: number
  /** From accept to close; 0 for no limit. */
  readonly lifetimeMs: number
  /** For the clients of a listener that is taken away. */
  readonly drainMs: number
}

/** One listening socket. */
export interface ListenerConfiguration {
  /** Unique; appears in logs and metrics. */
  readonly name: string
  /** IP literal; `::` with `Any` is dual stack, `::` with `IPv4` is every IPv4 address. */
  readonly address: string
  readonly port: number
  readonly socketFamily: 'Any' | 'IPv4' | 'IPv6'
  readonly tls: boolean
  readonly listenBacklog: number
  /** Clients at once; 0 for no limit. */
  readonly maxClients: number
  readonly proxyProtocol: {
    readonly mode: 'None' | 'Optional' | 'Require'
    /** IP literals and CIDRs whose PROXY protocol headers are believed. */
    readonly trustedSources: readonly string[]
  }
}

/**
 * One virtual host. The engine builds what a host needs once per object: pass the same object again and its
 * TLS state (ticket keys, cached context) is kept, pass another and clients of the old one go on untouched.
 */
export interface HostConfiguration {
  readonly hostTag: string
  /** Lower-case A-labels; the first label may be `*`. */
  readonly hostNames: readonly string[]
  /** Names of the listeners that serve it. */
  readonly listeners: readonly string[]
  /** Whether it serves clients of its listeners with no or an unknown server name. */
  readonly isDefault: boolean
  readonly handler: Handler
  /** `passthrough` hands the TLS stream on as it came; `terminate` ends TLS here (on a plain listener: nothing to end). */
  readonly mode: 'terminate' | 'passthrough'
  /**
   * How TLS is ended; undefined for passthrough and for a host of plain listeners alone. The same object again, also of
   * another configuration of the host, keeps the TLS state.
   */
  readonly tls: HostTls | undefined
}

/** What a host shows and asks of its clients. */
export interface HostTls {
  readonly policy: TlsPolicy
  /** Usable certificates, one per key type; empty when the host has none and refuses its clients. */
  readonly certificates: readonly { readonly certPem: string; readonly keyPem: string }[]
  /** Protocols offered by ALPN, in order of preference; empty for none. */
  readonly alpn: readonly string[]
  readonly clientCertificate: ClientCertificatePolicy
}

/** What is asked of a client's certificate. */
export interface ClientCertificatePolicy {
  readonly method: 'None' | 'Optional' | 'Require'
  /** PEM certificates of the CAs that may issue client certificates. */
  readonly caPem: readonly string[]
  /** When any list is non-empty, one entry of any list must match. */
  readonly allowedNames: {
    readonly commonNames: readonly string[]
    /** Exact, case-insensitive DNS names. */
    readonly dnsNames: readonly string[]
    readonly uris: readonly string[]
    /** Lower-case hexadecimal SHA-256 of the subject public key info. */
    readonly spkiSha256: readonly string[]
  }
}
