/**
 * The public entry of the library: a manifest is parsed, and served by the same engine that the command runs.
 *
 * @module
 */
export { type ParseResult, type Problem, parseSocketServer, type SocketServer } from '../crds/index.ts'
export { type Clock, systemClock } from './base/clock.ts'
export { CATALOGUE, type ErrorCode, SocketServerError } from './base/errors.ts'
export { type Log, type LogFields, type LogLevel, silentLog } from './base/log.ts'
export { createServer, type Server, type ServerOptions } from './compose.ts'
export type { BackendState, ServerView } from './control/server-view.ts'
export { CLOSE_REASONS, type CloseReason } from './engine/close-reason.ts'
export type { ClientRecord, EngineObserver, ListenState, PeerCertificate, TlsFacts } from './engine/ports.ts'
