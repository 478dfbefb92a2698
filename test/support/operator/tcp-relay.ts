import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import type { Identity } from '../control-plane/identity.ts'
import { freePort } from '../ports.ts'

/** Passes bytes between the operator and the API server, and can lose connections without a word, as a NAT or a dead node does. */
export interface TcpRelay extends AsyncDisposable {
  /** The identity's, by way of the relay. */
  readonly kubeconfig: string
  /** Connections that were accepted, ever. */
  readonly accepted: number
  /** Nothing passes any more over the connections there are, and nobody is told; new ones pass. */
  forget(): void
}

/** Starts a relay in front of the API server that the kubeconfig of the identity names. */
export async function startTcpRelay({ kubeconfig: original }: Identity): Promise<TcpRelay> {
  const config = JSON.parse(await readFile(original, 'utf8')) as { clusters: [{ cluster: { server: string } }] }
  const [{ cluster }] = config.clusters
  const target = Number(new URL(cluster.server).port)
  const sockets = new Set<Socket>()
  let accepted = 0
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((incoming) => {
    accepted += 1
    const outgoing = keep(connect(target, '127.0.0.1'))
    keep(incoming)
    incoming.pipe(outgoing)
    outgoing.pipe(incoming)
    incoming.once('close', () => outgoing.destroy())
    outgoing.once('close', () => incoming.destroy())
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  cluster.server = `https://127.0.0.1:${port}`
  const kubeconfig = `${original}.relay-${port}`
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 })
  return {
    kubeconfig,
    get accepted() {
      return accepted
    },
    forget() {
      for (const socket of sockets) {
        socket.unpipe()
        socket.pause()
        // The end of the other side is not passed on either.
        socket.removeAllListeners('close')
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
