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

/** A handshake under way. Node keeps what is carried for longer than the connection: `settle`, and all behind it, only until it is called. */
interface Handshake {
  settle: Settle | undefined
}

/** Below zero no timer is made for a handshake, where zero would stand for two minutes: the connection has a deadline of its own. */
const NO_TIMEOUT_MS = -1

/** Seconds a ticket may be used to resume. */
const TICKET_SECONDS = 3600
/** Name, HMAC key and AES key, 16 bytes each. */
const TICKET_KEY_BYTES = 48
const KEY_NAME_BYTES = 16

// Carries a connection's callback through the handshake, so that the events of a server shared by many
// connections find their own without a private field of the TLS socket.
const settling = new AsyncLocalStorage<Handshake>()
/** Leads out of it again: on Bun each listener that is added within holds what is carried, for as long as it is there. */
const outside = AsyncLocalStorage.snapshot()

/**
 * The unbound TLS server of one host. SNICallback changes certificate and key alone; versions, ciphers, groups, ALPN
 * and client certificates are a host's own only when the host has a server of its own.
 *
 * Ticket keys are derived from secrets and everything the policy asks of a client. Two hosts that ask different
 * things never share them, so a ticket of one cannot open the other; the same policy keeps its tickets over changes,
 * and over processes that have the same secrets.
 *
 * A TLS server has one ticket key. So there is one server per secret, made when first needed: a client that offers a
 * ticket of an older secret is given to that one's server, and everybody else to the newest.
 */
export class HostServer {
  readonly #asked: Buffer
  readonly #options: tls.TlsOptions
  /** By the name of the ticket key; the first is the newest. */
  #keys = new Map<string, Buffer>()
  #newest = ''
  #servers = new Map<string, tls.Server>()

  /**
   * @param secrets At least one, the newest first.
   * @throws the TLS library's error when it cannot use a certificate, cipher or group.
   */
  constructor(hostTag: string, settings: HostTls, secrets: readonly Buffer[]) {
    this.#asked = createHash('sha256')
      .update(JSON.stringify([hostTag, settings.policy, settings.clientCertificate, settings.alpn]))
      .digest()
    this.#options = {
      ...secureContextOptions(settings.policy),
      cert: settings.certificates.map((certificate) => certificate.certPem),
      key: settings.certificates.map((certificate) => certificate.keyPem),
      sessionIdContext: this.#asked.toString('hex', 0, 16),
      sessionTimeout: TICKET_SECONDS,
      handshakeTimeout: NO_TIMEOUT_MS,
      ...(settings.alpn.length > 0 ? { ALPNProtocols: [...settings.alpn] } : {}),
      ...(settings.clientCertificate.method === 'None'
        ? {}
        : // Left out it would mean the public roots; an empty list means them on Bun, so the judge of clients looks as well.
          { requestCert: true, rejectUnauthorized: false, ca: [...settings.clientCertificate.caPem] }),
    }
    this.useTicketSecrets(secrets)
    this.#server(this.#newest)
  }

  /** Tickets are made with the first secret from here on, and taken of all of them. */
  useTicketSecrets(secrets: readonly Buffer[]): void {
    const keys = new Map<string, Buffer>()
    for (const secret of secrets) {
      const key = Buffer.from(hkdfSync('sha256', secret, this.#asked, 'socketserver ticket keys', TICKET_KEY_BYTES))
      const name = key.toString('latin1', 0, KEY_NAME_BYTES)
      if (keys.size === 0) this.#newest = name
      keys.set(name, key)
    }
    this.#keys = keys
    for (const name of this.#servers.keys()) if (!keys.has(name)) this.#servers.delete(name)
  }

  /**
   * Starts the handshake on a socket whose ClientHello was put back. `settle` is called at most once; the caller owns every
   * deadline.
   * @param ticketKeyName As the hello has it.
   */
  secure(socket: net.Socket, ticketKeyName: string | undefined, settle: Settle): void {
    const name = ticketKeyName !== undefined && this.#keys.has(ticketKeyName) ? ticketKeyName : this.#newest
    settling.run({ settle }, () => this.#server(name).emit('connection', socket))
  }

  #server(name: string): tls.Server {
    let server = this.#servers.get(name)
    if (server) return server
    server = tls.createServer({ ...this.#options, ticketKeys: this.#keys.get(name) as Buffer })
    server.on('secureConnection', (socket) => settled({ kind: 'secured', socket }))
    server.on('tlsClientError', (error) => settled({ kind: 'failed', error }))
    this.#servers.set(name, server)
    return server
  }
}

function settled(outcome: HandshakeOutcome): void {
  const handshake = settling.getStore()
  const settle = handshake?.settle
  if (handshake === undefined || settle === undefined) return
  handshake.settle = undefined
  outside(settle, outcome)
}
