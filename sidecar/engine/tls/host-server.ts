import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, hkdfSync } from 'node:crypto'
import type net from 'node:net'
import tls from 'node:tls'
import type { HostTls } from '../configuration.ts'
import { secureContextOptions } from './policy.ts'

/** How a handshake ended. */
export type HandshakeOutcome =
  | { readonly kind: 'secured'; readonly socket: tls.TLSSocket }
  | { readonly kind: 'failed'; readonly error: NodeJS.ErrnoException }

type Settle = (outcome: HandshakeOutcome) => void

/** Longer than any handshake may take: the connection's own deadline ends it, with a reason. */
const NO_TIMEOUT_MS = 3_600_000

/** Seconds a ticket may be used to resume. */
const TICKET_SECONDS = 3600

// Carries a connection's callback through the handshake, so that the events of a server shared by many
// connections find their own without a private field of the TLS socket.
const settling = new AsyncLocalStorage<Settle>()

/**
 * The unbound TLS server of one host. SNICallback changes certificate and key alone; versions, ciphers, groups, ALPN
 * and client certificates are a host's own only when the host has a server of its own.
 *
 * Ticket keys are derived from `ticketSecret` and everything the policy asks of a client. Two hosts that ask different
 * things never share them, so a ticket of one cannot open the other; the same policy keeps its tickets over changes.
 */
export class HostServer {
  readonly #server: tls.Server

  /** @throws the TLS library's error when it cannot use a certificate, cipher or group. */
  constructor(hostTag: string, settings: HostTls, ticketSecret: Buffer) {
    const asked = createHash('sha256')
      .update(JSON.stringify([hostTag, settings.policy, settings.clientCertificate, settings.alpn]))
      .digest()
    const server = tls.createServer({
      ...secureContextOptions(settings.policy),
      cert: settings.certificates.map((certificate) => certificate.certPem),
      key: settings.certificates.map((certificate) => certificate.keyPem),
      ticketKeys: Buffer.from(hkdfSync('sha256', ticketSecret, asked, 'socketserver ticket keys', 48)),
      sessionIdContext: asked.toString('hex', 0, 16),
      sessionTimeout: TICKET_SECONDS,
      handshakeTimeout: NO_TIMEOUT_MS,
      ...(settings.alpn.length > 0 ? { ALPNProtocols: [...settings.alpn] } : {}),
      ...(settings.clientCertificate.method === 'None'
        ? {}
        : // An empty list would mean the public roots: the policy's own list is given even when it is empty.
          { requestCert: true, rejectUnauthorized: false, ca: [...settings.clientCertificate.caPem] }),
    })
    server.on('secureConnection', (socket) => settling.getStore()?.({ kind: 'secured', socket }))
    server.on('tlsClientError', (error) => settling.getStore()?.({ kind: 'failed', error }))
    this.#server = server
  }

  /**
   * Starts the handshake on a socket whose ClientHello was put back. `settle` is called at most once by a secured
   * connection, and possibly by errors after it; the caller owns every deadline.
   */
  secure(socket: net.Socket, settle: Settle): void {
    settling.run(settle, () => this.#server.emit('connection', socket))
  }
}
