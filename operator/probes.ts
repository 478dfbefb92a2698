import { createServer, type Server } from 'node:http'
import { SocketServerError } from '../sidecar/base/errors.ts'
import { listenOn } from '../sidecar/base/listen-on.ts'
import type { OperatorMetrics } from './metrics.ts'

/** Where probes and metrics are answered. */
export interface ProbeAddress {
  readonly address: string
  readonly port: number
}

/**
 * Answers `/healthz`, `/readyz` and `/metrics`; `isReady` tells what is missing, or nothing.
 *
 * @throws SocketServerError SS_CANNOT_LISTEN
 */
export const openProbes = async (
  at: ProbeAddress,
  metrics: OperatorMetrics,
  missing: () => string,
): Promise<Server> => {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000 }, (request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(405, 'only GET and HEAD are answered here\n')
    switch ((request.url ?? '/').split('?', 1)[0]) {
      case '/healthz':
      case '/livez':
        return answer(200, 'ok\n')
      case '/readyz': {
        const what = missing()
        return what === '' ? answer(200, 'ok\n') : answer(503, `not ready\n${what}\n`)
      }
      case '/metrics':
        metrics.text().then(
          (text) => answer(200, text, metrics.registry.contentType),
          () => answer(500, 'cannot answer\n'),
        )
        return
      default:
        return answer(404, 'not found: there are /healthz, /readyz and /metrics\n')
    }
  })
  server.maxConnections = 64
  try {
    await listenOn(server, { host: at.address, port: at.port })
  } catch (cause) {
    throw new SocketServerError(
      'SS_CANNOT_LISTEN',
      `${at.address} port ${at.port} for probes and metrics: ${(cause as Error).message}`,
      { hint: 'give another address by --probes ADDRESS:PORT, or --probes none', cause },
    )
  }
  return server
}
