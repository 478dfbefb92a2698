// The floor of a runtime: the least that ends TLS and forwards, with half-close and back-pressure and nothing else.
// Arguments: port, port of the backend, file with the certificate and its key, and `shared` when others listen on the port too.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'

const [port, backendPort, pemFile, shared] = process.argv.slice(2)
const pem = readFileSync(pemFile as string)
// A ticket of one process has to open the others'.
const ticketKeys = shared ? { ticketKeys: createHash('sha512').update(pem).digest().subarray(0, 48) } : {}

function forward(client: tls.TLSSocket): void {
  const options = { host: '127.0.0.1', port: Number(backendPort), noDelay: true, allowHalfOpen: true }
  const backend = net.connect(options)
  const end = () => {
    client.destroy()
    backend.destroy()
  }
  client.on('error', end)
  backend.on('error', end)
  client.on('close', end)
  backend.on('close', end)
  client.on('data', (chunk) => {
    if (!backend.write(chunk) && backend.writableLength > 0) client.pause()
  })
  backend.on('data', (chunk) => {
    if (!client.write(chunk) && client.writableLength > 0) backend.pause()
  })
  client.on('drain', () => backend.resume())
  backend.on('drain', () => client.resume())
  client.on('end', () => backend.end())
  backend.on('end', () => client.end())
}

tls
  .createServer({ cert: pem, key: pem, noDelay: true, allowHalfOpen: true, ...ticketKeys }, forward)
  .on('tlsClientError', (_error, socket) => socket.destroy())
  .listen({ port: Number(port), host: '127.0.0.1', backlog: 511, ...(shared ? { reusePort: true } : {}) })

// Whoever started it is gone.
process.once('disconnect', () => process.exit())
