/**
 * Why a client's connection ended: the closed vocabulary of logs and metric labels.
 * Each entry says which stage uses it and when.
 */
export const CLOSE_REASONS = {
  // admit
  Draining: 'admit: the server is stopping and takes no more clients',
  Denied: 'admit: the access list keeps the source out',
  TooFast: 'admit: the source opens connections faster than acceptRatePerSource',
  TooManyFromSource: 'admit: the source has maxClientsPerSource clients',
  TooBusy: 'admit: the listener or the server has maxClients clients',
  // greet
  TooSlow: 'greet, secure: the handshake (or the PROXY header) did not end within its time',
  NotTls: 'greet: the first bytes on a TLS listener cannot begin a TLS handshake',
  HelloTooLong: 'greet: the ClientHello is larger than the limit',
  HelloMalformed: 'greet: the ClientHello cannot be parsed (RFC 8446, 4.1.2)',
  ProxyHeaderMissing: 'greet: the listener requires a PROXY protocol header and none came',
  ProxyHeaderInvalid: 'greet: the PROXY protocol header cannot be parsed',
  ProxySourceUntrusted: 'greet: the listener requires a PROXY protocol header and the sender is not in trustedSources',
  ClientGone: 'greet, secure: the client left before it was served',
  // select
  UnknownHost: 'select: no host of the listener has the server name, and there is no default host',
  NoCertificate: 'select: the host has no usable certificate',
  // secure
  HandshakeFailed: 'secure: no protocol version, cipher or group in common, or the client broke the protocol',
  ClientCertificateMissing: 'secure: the host requires a client certificate and none came',
  ClientCertificateUntrusted: 'secure: no CA of the host issued the client certificate',
  ClientCertificateExpired: 'secure: the client certificate is past its notAfter',
  ClientCertificateNotYetValid: 'secure: the client certificate is before its notBefore',
  ClientCertificateNotAllowed: 'secure: no entry of allowedNames matches the client certificate',
  ClientCertificateInvalid: 'secure: the client certificate fails verification for another cause',
  // serve
  Completed: 'serve: both directions ended',
  ClientReset: 'serve: the client reset the connection',
  BackendUnreachable: 'serve: every backend refused, or could not be found',
  BackendTimeout: 'serve: no backend accepted within the connect time',
  BackendUntrusted: 'serve: the certificate of the backend fails verification',
  BackendReset: 'serve: the backend reset the connection',
  HandlerFailed: 'serve: the handler threw; a defect, and this client alone pays for it',
  IdleTooLong: 'serve: no byte moved in either direction for the idle time',
  LivedTooLong: 'serve: the connection reached its lifetime',
  // close
  Disconnected: 'close: an operator disconnected the client',
  ListenerRemoved: 'close: the configuration no longer has the listener',
  ServerStopped: 'close: the server stopped and the client did not end in time',
} as const satisfies Record<string, string>

/** One word of the vocabulary. */
export type CloseReason = keyof typeof CLOSE_REASONS

/** The reasons for which a client that stayed was turned away before a handler got it. */
export const REFUSALS: ReadonlySet<CloseReason> = new Set(
  (Object.keys(CLOSE_REASONS) as CloseReason[]).filter(
    (reason) => reason !== 'ClientGone' && /^(admit|greet|select|secure)\b/.test(CLOSE_REASONS[reason]),
  ),
)
