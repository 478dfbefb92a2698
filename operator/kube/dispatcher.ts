import { isIP, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici'
import type { Credentials } from './credentials.ts'

/** Between two pings of an HTTP/2 connection. */
const PING_MS = 5_000
/** So many times in a row nothing came although a ping was sent: the peer is gone without a word. */
const MOST_SILENT = 3
const CONNECT_MS = 10_000

/** Ends the connection when its peer is gone: the client sends pings, and waits for their answers for ever. */
function endWhenSilent(socket: Socket): void {
  let seen = socket.bytesRead
  let silent = 0
  const timer = setInterval(() => {
    silent = socket.bytesRead === seen ? silent + 1 : 0
    seen = socket.bytesRead
    if (silent >= MOST_SILENT) socket.destroy(new Error('the connection is dead: no ping is answered any more'))
  }, PING_MS)
  timer.unref()
  socket.once('close', () => clearInterval(timer))
}

/**
 * Makes what carries the calls: HTTP/2 on one connection where the server offers it, which is given up some 20 s after its
 * peer was lost without a word; through a proxy HTTP/1.1.
 */
export function createDispatcher({ tls, proxy, server }: Credentials): Dispatcher {
  const host = new URL(server).hostname
  // Server names are never addresses (RFC 6066, 3); the certificate is checked against the address all the same.
  const nameless = tls.servername === undefined && isIP(host) ? { servername: '' } : {}
  const secure = { ...tls, ...nameless, timeout: CONNECT_MS }
  const common = { bodyTimeout: 0, headersTimeout: 0 }
  if (proxy !== undefined) return new ProxyAgent({ uri: proxy, requestTls: secure, ...common })
  const connect = buildConnector({ ...secure, allowH2: true })
  return new Agent({
    connect: (options, callback) =>
      connect(options, (...result) => {
        const [, socket] = result
        if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') endWhenSilent(socket)
        callback(...result)
      }),
    ...common,
    allowH2: true,
    h2Options: { pingInterval: PING_MS, maxConcurrentStreams: 250 },
    keepAliveTimeout: 60_000,
  })
}
