/**
 * The library: the engine that the command runs, in a program of one's own, with functions for handlers.
 *
 * @module
 */
export {
  type CertificateStatus,
  type Grade,
  type IcsHost,
  type IcsHostStatus,
  type ParseResult,
  type Problem,
  parseSocketServer,
  type SocketServer as SocketServerManifest,
} from '../crds/index.ts'
export { type ErrorCode, SocketServerError } from './base/errors.ts'
export type { Log, LogFields, LogLevel } from './base/log.ts'
export type { BackendState } from './control/server-view.ts'
export { CLOSE_REASONS, type CloseReason } from './engine/close-reason.ts'
export type {
  AcceptedClient,
  ClientFacts,
  ClientPhase,
  ClientRecord,
  ClientState,
  ListenState,
  PeerCertificate,
  TlsFacts,
} from './engine/ports.ts'
export type {
  CertificateInMemory,
  ClientHandler,
  IcsHostOptions,
  ListenerOptions,
  SocketServerInput,
  SpecOptions,
} from './library/input.ts'
export { ManifestError } from './library/manifest-error.ts'
export { SocketClient } from './library/socket-client.ts'
export { SocketServer } from './library/socket-server.ts'
export type { SocketServerEvents, SocketServerOptions, Validation } from './library/socket-server-options.ts'
