// A program: calls an HTTP/2 server and gives a write up in the very turn that began it; ends well when the calls beside it and
// after it are answered. It is a process of its own because a client that does this wrong never comes back to its event loop.
import { once } from 'node:events'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Transport } from '../../../operator/kube/transport.ts'
import { systemClock } from '../../../sidecar/base/clock.ts'
import { createAuthority } from '../certificates.ts'

const authority = createAuthority()
const { certPem, keyPem } = authority.issue({ names: ['localhost'] })
const server = createSecureServer({ cert: certPem, key: keyPem })
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => {})
  stream.respond({ ':status': 200 })
  stream.end('{}')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const transport = new Transport({
  source: async () => ({
    server: `https://localhost:${port}`,
    namespace: undefined,
    headers: {},
    tls: { ca: authority.cert },
  }),
  clock: systemClock,
  userAgent: 'test',
})
await transport.request({ method: 'GET', path: '/first' })
const beside = transport.request({ method: 'GET', path: '/beside' })
await turn()
const stop = new AbortController()
const write = transport.request({ method: 'PATCH', path: '/write', body: { a: 1 }, signal: stop.signal })
// The transport sends in a later part of this turn.
for (let i = 0; i < Number(process.argv[2]); i += 1) await undefined
stop.abort(new Error('given up'))
const outcome = await write.then(
  () => 'answered',
  (error: Error) => error.message,
)
await beside
await transport.request({ method: 'GET', path: '/after' })
process.stdout.write(`${outcome}\n`)
process.exit(0)
