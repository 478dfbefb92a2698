import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { SocketServerError } from '../../base/errors.ts'
import { listenOn } from '../../base/listen-on.ts'
import { endpoint } from '../client-line.ts'
import type { Readiness } from './readiness.ts'

/** Where the admin surface listens. */
export interface AdminAddress {
  /** IP literal, or a name the machine resolves; "::" is every address, also where there is no IPv6. */
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
}

/** What the admin surface tells. Each is called once per request. */
export interface AdminPages {
  readiness(): Promise<Readiness>
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  status(): Promise<unknown>
}

/** The admin surface while it listens. */
export interface AdminServer {
  /** The port it really has. */
  readonly port: number
  close(): void
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const TEXT = 'text/plain; charset=utf-8'
const text = (status: number, body: string): Answer => ({ status, contentType: TEXT, body })

const INDEX = [
  'socketserver',
  '',
  '/livez    200 while the process runs',
  '/readyz   200 while clients may be sent here, else 503 and what is missing',
  '/metrics  for Prometheus',
  '/status   listeners, hosts and certificates as JSON',
  '',
].join('\n')

const answerTo = async (path: string, pages: AdminPages): Promise<Answer> => {
  switch (path) {
    case '/':
      return text(200, INDEX)
    case '/livez':
      return text(200, 'ok\n')
    case '/readyz': {
      const { ready, lines } = await pages.readiness()
      return text(ready ? 200 : 503, `${[ready ? 'ok' : 'not ready', ...lines].join('\n')}\n`)
    }
    case '/metrics': {
      const metrics = await pages.metrics()
      return { status: 200, contentType: metrics.contentType, body: metrics.text }
    }
    case '/status':
      return {
        status: 200,
        contentType: 'application/json',
        body: `${JSON.stringify(await pages.status(), null, 2)}\n`,
      }
    default:
      return text(404, 'not found; "/" lists what there is\n')
  }
}

const respond = (request: IncomingMessage, response: ServerResponse, answer: Answer): void => {
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

/**
 * Listens for probes, Prometheus and the operator. Read only: a request changes nothing, and one with another method
 * than GET or HEAD is answered 405. Slow, large or many requests are cut off, never queued without bound.
 *
 * @throws SocketServerError SS_CANNOT_LISTEN
 */
export const openAdminServer = async (
  at: AdminAddress,
  pages: AdminPages,
  onError: (error: unknown) => void,
): Promise<AdminServer> => {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 5000,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      request.resume()
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        respond(request, response, text(405, 'only GET and HEAD are answered here\n'))
        return
      }
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      answerTo(path, pages).then(
        (answer) => respond(request, response, answer),
        (error: unknown) => {
          onError(error)
          if (response.headersSent) response.destroy()
          else respond(request, response, text(500, 'cannot answer; the log has the cause\n'))
        },
      )
    },
  )
  server.maxConnections = 64
  server.maxRequestsPerSocket = 1000
  try {
    await listenOn(server, { host: at.address, port: at.port })
  } catch (error) {
    throw cannotListen(at, error as NodeJS.ErrnoException)
  }
  server.on('error', onError)
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : at.port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const CAUSES: Readonly<Record<string, { readonly found: string; readonly hint: string }>> = {
  EADDRINUSE: {
    found: 'is in use',
    hint: 'another socketserver may be running; give this one another address by --admin ADDRESS:PORT, or --admin none',
  },
  EACCES: { found: 'needs a right this user lacks', hint: 'give a port above 1023 by --admin ADDRESS:PORT' },
  EADDRNOTAVAIL: {
    found: 'is not an address of this machine',
    hint: 'give one of its addresses by --admin ADDRESS:PORT',
  },
}

const cannotListen = (at: AdminAddress, error: NodeJS.ErrnoException): SocketServerError => {
  const cause = CAUSES[error.code ?? '']
  return new SocketServerError(
    'SS_CANNOT_LISTEN',
    `the admin address "${endpoint(at.address, at.port)}" ${cause?.found ?? `fails (${error.message})`}`,
    { hint: cause?.hint ?? 'give an address of this machine by --admin ADDRESS:PORT, or --admin none', cause: error },
  )
}
