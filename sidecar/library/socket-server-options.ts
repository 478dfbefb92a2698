import type { IcsHostStatus, Problem } from '../../crds/index.ts'
import type { Log } from '../base/log.ts'
import type { AcceptedClient, ClientRecord, ListenState } from '../engine/ports.ts'
import type { CertificateInMemory, ClientHandler } from './input.ts'
import type { SocketClient } from './socket-client.ts'

/** What a server is made of beside its manifest; everything may be left out. */
export interface SocketServerOptions {
  /** Serves the clients of every host, and of every listener without hosts, that has no handler of its own. */
  readonly handler?: ClientHandler
  /** Functions by hostTag (or by the name of a listener without hosts), instead of the handlers of the manifest. */
  readonly handlers?: Readonly<Record<string, ClientHandler>>
  /** Secrets in memory by name, for `secretName` and for caRefs of kind Secret (their `ca`). */
  readonly secrets?: Readonly<Record<string, CertificateInMemory>>
  /** ConfigMaps in memory by name, each with its entries, for caRefs of kind ConfigMap. */
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Directory with one directory per Secret, for those that are not in memory; watched. */
  readonly secretsDir?: string
  /** Directory with one directory per ConfigMap, for those that are not in memory; watched. */
  readonly configMapsDir?: string
  /** Development only: a host whose Secret is missing gets a certificate of a throwaway CA, see `selfSignedCa`. */
  readonly selfSigned?: boolean
  /** Whether a client that ended its direction is still written to until the handler ends it, as in `node:net`; false. */
  readonly allowHalfOpen?: boolean
  /** Takes the lines of the log; none by default. */
  readonly log?: Log
}

/** The events of a server, with what their listeners get. */
export interface SocketServerEvents {
  /** A client was accepted, before anything is read from it (OnClientCreate). */
  clientAccepted: [client: AcceptedClient]
  /** A client is served by a function, its handshake behind it; before that function is called (OnClientConnect). */
  client: [client: SocketClient]
  /** A client is gone, whoever served it, and also when nobody did (OnClientDisconnect). */
  clientClosed: [record: ClientRecord, client: SocketClient | undefined]
  /** A listener listens, or does not any more (OnChangeState). */
  stateChanged: [state: ListenState]
  /**
   * Something threw or rejected where nobody could catch it: a handler, or a listener of an event (OnBgException). The
   * client it concerns is closed, everything else goes on; without a listener the log alone tells it.
   */
  error: [error: Error, client: SocketClient | undefined]
}

/** What `validate` found. */
export interface Validation {
  /** Whether every host that needs a certificate has one that clients accept. */
  readonly ok: boolean
  /** What is probably not meant in the manifest. */
  readonly warnings: readonly Problem[]
  /** Every host with its grade, its messages and its certificates. */
  readonly hosts: readonly IcsHostStatus[]
}
