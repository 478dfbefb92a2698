import type { RedirectSpec } from '../../../crds/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Handler, SocketClient } from '../../engine/ports.ts'
import { locationOf } from './location.ts'
import { endOfHead, parseRequestHead } from './request-head.ts'

/** What the handler Redirect needs. */
export interface RedirectOptions {
  readonly spec: RedirectSpec
  /** For the Date of answers (RFC 9110, 6.6.1). */
  readonly clock: Clock
  /** Milliseconds a client has for its whole request head; 10,000. */
  readonly requestMs?: number
}

const HEAD_MAX = 16 * 1024

const PHRASES = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  431: 'Request Header Fields Too Large',
  505: 'HTTP Version Not Supported',
} as const

type Status = keyof typeof PHRASES

/** What is answered: a target, or in words why there is none. */
interface Answer {
  readonly status: Status
  readonly location?: string
  readonly text?: string
  readonly isHead?: boolean
}

/**
 * The handler Redirect: answers one HTTP/1 request with a redirect and closes. The body of a request is not waited for.
 * The parser is our own and reads a request head and nothing else: an HTTP server would keep connections, bodies and
 * upgrades for which there is no use here.
 */
export function createRedirect({ spec, clock, requestMs = 10_000 }: RedirectOptions): Handler {
  const judge = (client: SocketClient, bytes: Buffer): Answer => {
    const request = parseRequestHead(bytes)
    if (request.kind === 'refuse') return { status: request.status, text: request.detail }
    const { head } = request
    const arrival = { scheme: client.tls ? 'https' : 'http', port: client.localPort } as const
    const isHead = head.method === 'HEAD'
    const location = locationOf(spec, head, arrival)
    if ('problem' in location) return { status: 400, text: location.problem, isHead }
    return { status: spec.statusCode, location: location.url, isHead }
  }

  return {
    speaks: 'http',
    serve(client) {
      const { stream } = client
      // The first piece is nearly always the whole head; only else is it gathered.
      let received: Buffer = Buffer.alloc(0)
      let isAnswered = false
      const timer = setTimeout(() => client.close('TooSlow', 'no whole request head in time'), requestMs)
      client.onClose = () => clearTimeout(timer)
      client.isBetweenRequests = () => received.length === 0

      const answer = (what: Answer) => {
        if (isAnswered) return
        isAnswered = true
        client.backend = 'redirect'
        const bytes = encode(what, clock.now())
        client.sentBytes += bytes.length
        stream.end(bytes)
        client.close('Completed', what.text === undefined ? '' : `HTTP ${what.status}: ${what.text}`)
      }
      stream.on('data', (chunk: Buffer) => {
        if (isAnswered) return
        client.receivedBytes += chunk.length
        const looked = received.length
        received = looked === 0 ? chunk : Buffer.concat([received, chunk])
        const end = endOfHead(received, looked)
        if (end > HEAD_MAX || (end < 0 && received.length > HEAD_MAX))
          answer({ status: 431, text: `the request head is longer than ${HEAD_MAX} bytes` })
        else if (end > 0) answer(judge(client, received.subarray(0, end)))
      })
      stream.on('end', () => {
        if (received.length > 0) answer({ status: 400, text: 'the request head is not whole' })
        else client.close('Completed', 'no request')
      })
      stream.resume()
    },
  }
}

function encode({ status, location, text, isHead = false }: Answer, now: number): Buffer {
  const body = text === undefined ? '' : `${text}\n`
  const lines = [
    `HTTP/1.1 ${status} ${PHRASES[status]}`,
    `Date: ${new Date(now).toUTCString()}`,
    ...(location === undefined ? ['Content-Type: text/plain'] : [`Location: ${location}`]),
    `Content-Length: ${body.length}`,
    'Connection: close',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${isHead ? '' : body}`, 'latin1')
}
