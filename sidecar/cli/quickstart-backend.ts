import { createServer } from 'node:http'
import { SocketServerError } from '../base/errors.ts'

/** A program behind the TLS front, as the quickstart shows one. */
export interface QuickstartBackend {
  close(): void
}

/**
 * Starts a small HTTP server on loopback that says who asked it for what. It knows nothing of TLS: that is the point.
 *
 * @throws SocketServerError SS_CANNOT_LISTEN
 */
export const openQuickstartBackend = (port: number, hint: string): Promise<QuickstartBackend> => {
  const server = createServer((request, response) => {
    request.resume()
    const body = `Hello from the backend on 127.0.0.1:${port}.\n${request.method} ${request.url} for ${request.headers.host ?? 'no host'}\n`
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const found = error.code === 'EADDRINUSE' ? 'is in use' : `fails (${error.message})`
      reject(
        new SocketServerError('SS_CANNOT_LISTEN', `the port ${port} of the example's backend ${found}`, {
          hint,
          cause: error,
        }),
      )
    })
    server.listen(port, '127.0.0.1', () =>
      resolve({
        close() {
          server.close()
          server.closeAllConnections()
        },
      }),
    )
  })
}
