import { createServer, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ControlPlane } from '../control-plane/control-plane.ts'

/** What tests do to a control plane that another process has. */
export interface RemotePlane {
  /** Ends the API server and leaves it so. */
  stopApiServer(): Promise<void>
  /** Starts it again. */
  startApiServer(): Promise<void>
}

/** Lets other processes of this machine stop and start the API server, by a socket that goes with this process. */
export async function offerPlane(plane: ControlPlane, socketPath: string): Promise<void> {
  const verbs: Readonly<Record<string, () => Promise<void>>> = {
    '/stopApiServer': () => plane.stopApiServer(),
    '/startApiServer': () => plane.startApiServer(),
  }
  const server = createServer((asked, answer) => {
    const verb = verbs[asked.url ?? ''] ?? (() => Promise.reject(new Error(`there is no ${asked.url}`)))
    verb().then(
      () => answer.end(),
      (error: unknown) => answer.writeHead(500).end(String(error)),
    )
  })
  server.unref()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
}

/** The control plane that is offered at a socket. */
export function remotePlane(socketPath: string): RemotePlane {
  const ask = (path: string) =>
    new Promise<void>((resolve, reject) => {
      const sent = request({ socketPath, path, method: 'POST' }, (answer) => {
        text(answer).then((said) => (answer.statusCode === 200 ? resolve() : reject(new Error(said))), reject)
      })
      sent.on('error', reject)
      sent.end()
    })
  return { stopApiServer: () => ask('/stopApiServer'), startApiServer: () => ask('/startApiServer') }
}
