import type net from 'node:net'
import type { CloseReason } from '../close-reason.ts'
import { type ClientHello, readClientHello } from '../tls/client-hello.ts'
import { type Prefix, readPrefix } from './read-prefix.ts'

/** A ClientHello, or why there is none. */
export type Greeting =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  | { readonly kind: 'refuse'; readonly reason: CloseReason; readonly detail: string; readonly lastWords?: Uint8Array }

/** Bytes of the largest ClientHello that is read: several times what clients with post-quantum shares send. */
const MAX_HELLO_BYTES = 16 * 1024

/** TLS alert records (RFC 8446, 6): a fatal alert before any key exists. */
const alert = (code: number) => Uint8Array.of(21, 3, 3, 0, 2, 2, code)

/** The alerts the engine sends itself, by their names in RFC 8446, 6.2. */
export const ALERTS = {
  protocolVersion: alert(70),
  handshakeFailure: alert(40),
  unrecognizedName: alert(112),
  noApplicationProtocol: alert(120),
  decodeError: alert(50),
} as const

const SPEAK_TLS = 'This port speaks TLS and the request came in plain HTTP: use https\n'
const HTTP_ON_TLS = Buffer.from(
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${SPEAK_TLS.length}\r\nConnection: close\r\n\r\n${SPEAK_TLS}`,
)

/**
 * Waits for one complete ClientHello and leaves the socket as if unread. `told` is called once, with undefined when the
 * client leaves first. The time is bounded by the connection's deadline, not here.
 */
export function greet(socket: net.Socket, told: (greeting: Greeting | undefined) => void): void {
  readPrefix(socket, judge, (greeting) => told(greeting === 'aborted' ? undefined : greeting))
}

function judge(bytes: Buffer): Prefix<Greeting> {
  const reading = readClientHello(bytes, MAX_HELLO_BYTES)
  if (reading.kind === 'more') return reading
  // Nothing is consumed: the TLS library, or the backend of a Passthrough host, reads the hello again.
  return { kind: 'done', consumed: 0, value: greetingOf(reading) }
}

function greetingOf(reading: Exclude<ReturnType<typeof readClientHello>, { kind: 'more' }>): Greeting {
  switch (reading.kind) {
    case 'hello':
      return { kind: 'hello', hello: reading.hello }
    case 'too-long':
      return {
        kind: 'refuse',
        reason: 'HelloTooLong',
        detail: `the ClientHello is larger than ${MAX_HELLO_BYTES} bytes`,
        lastWords: ALERTS.decodeError,
      }
    case 'malformed':
      return { kind: 'refuse', reason: 'HelloMalformed', detail: reading.detail, lastWords: ALERTS.decodeError }
    case 'not-tls':
      if (reading.looksLike === 'http')
        return { kind: 'refuse', reason: 'NotTls', detail: 'plain HTTP on a TLS listener', lastWords: HTTP_ON_TLS }
      if (reading.looksLike === 'sslv2')
        return { kind: 'refuse', reason: 'NotTls', detail: 'SSLv2 hello', lastWords: ALERTS.protocolVersion }
      return { kind: 'refuse', reason: 'NotTls', detail: 'the first byte cannot begin a TLS handshake' }
  }
}
