import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { systemClock } from '../../../../sidecar/base/clock.ts'
import { Connection } from '../../../../sidecar/engine/connection.ts'
import type { ClientRecord, Handler, TlsFacts } from '../../../../sidecar/engine/ports.ts'

/** How the listener of a test listens and what is known of its clients. */
interface ServeOptions {
  /** Ends TLS with these options. */
  readonly tls?: tls.TlsOptions
  /** Laid over each connection before the handler gets it. */
  readonly facts?: Partial<Pick<Connection, 'serverName' | 'peerAddress' | 'peerPort' | 'localAddress' | 'localPort'>>
  readonly peerCertificate?: TlsFacts['peerCertificate']
}

/** A listener that gives its clients to a handler, with the engine's own Connection around each. */
interface Served extends AsyncDisposable {
  readonly port: number
  /** Connections so far, oldest first. */
  readonly connections: readonly Connection[]
  /** The story of each connection that is gone, in the order of their ends. */
  readonly records: readonly ClientRecord[]
  /** Resolves with the story of the next connection that goes, from the first on; each is told once. */
  nextRecord(): Promise<ClientRecord>
}

/** Serves `handler` on a free port of loopback. */
export async function serveClients(handler: Handler, options: ServeOptions = {}): Promise<Served> {
  const connections: Connection[] = []
  const records: ClientRecord[] = []
  const waiting: (() => void)[] = []
  let told = 0
  const owner = {
    name: 'test',
    released(connection: Connection) {
      records.push(connection.record(systemClock.now()))
      for (const wake of waiting.splice(0)) wake()
    },
  }
  const accept = (socket: net.Socket) => {
    const connection = new Connection(`c-${connections.length + 1}`, socket, owner, systemClock.now())
    connection.hostTag = 'shop'
    connections.push(connection)
    if (!secure) serve(connection)
    else {
      pending.set(`${socket.remotePort}`, connection)
      socket.allowHalfOpen = false
      secure.emit('connection', socket)
    }
  }
  const serve = (connection: Connection) => {
    Object.assign(connection, { isServed: true }, options.facts)
    Promise.try(() => handler.serve(connection)).catch((error: unknown) =>
      connection.close('HandlerFailed', `${error}`),
    )
  }
  const pending = new Map<string, Connection>()
  const secure = options.tls && tls.createServer(options.tls)
  secure?.on('tlsClientError', () => {})
  secure?.on('secureConnection', (socket) => {
    const connection = pending.get(`${socket.remotePort}`)
    if (!connection) return
    socket.allowHalfOpen = true
    connection.serveOn(socket)
    const { peerCertificate } = options
    const version = socket.getProtocol() ?? ''
    const cipher = socket.getCipher().standardName
    connection.tls = { version, cipher, group: '', resumed: socket.isSessionReused(), peerCertificate }
    connection.alpnProtocol = socket.alpnProtocol || undefined
    serve(connection)
  })
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, accept)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    connections,
    records,
    async nextRecord() {
      while (records.length <= told) await new Promise<void>((resolve) => waiting.push(resolve))
      return records[told++] as ClientRecord
    },
    async [Symbol.asyncDispose]() {
      server.close()
      handler.dispose?.()
      for (const connection of connections) connection.socket.destroy()
      await once(server, 'close')
    },
  }
}
