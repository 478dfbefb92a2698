import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { configHash, type SocketServer } from '../../../crds/index.ts'
import { parseObject } from '../../../crds/parse.ts'
import { SAMPLE_HOST } from './sample-server.ts'

/** The engines of every pod in one server: each pod has an address of its own in 127.0.0.0/8, and all have one port. */
export interface Engines extends AsyncDisposable {
  readonly port: number
  /** How often a state was asked for. */
  readonly asked: number
  /** The engine at that address serves that manifest from now on. */
  serve(ip: string, manifest: unknown): void
}

/** What an engine answers on `/status` while all is well. @throws when the manifest is none. */
export function statusBody(manifest: unknown): string {
  const parsed = parseObject(manifest)
  if (!parsed.ok) throw new Error(`a manifest that cannot be served: ${JSON.stringify(parsed.problems)}`)
  const { metadata, spec } = parsed.value as SocketServer
  return JSON.stringify({
    name: metadata.name,
    namespace: metadata.namespace,
    generation: metadata.generation,
    configHash: configHash(parsed.value),
    ready: true,
    configurationError: '',
    recheck: '',
    clients: 3,
    listeners: spec.listeners.map(({ name, port }) => ({
      ...{ name, state: 'Listening', address: '::', port, readyPods: 1, clients: 1, error: '' },
    })),
    icsHosts: [SAMPLE_HOST],
    unresolved: [],
  })
}

/** The address of a pod by its number. */
export const addressOf = (number: number): string =>
  `127.${16 + Math.floor(number / 62_500)}.${1 + (Math.floor(number / 250) % 250)}.${1 + (number % 250)}`

/** Opens the engines. */
export async function openEngines(): Promise<Engines> {
  const bodies = new Map<string, string>()
  let asked = 0
  const server: Server = createServer((request, response) => {
    asked += 1
    const body = bodies.get(request.socket.localAddress ?? '')
    const isStatus = request.url === '/status' && body !== undefined
    response.writeHead(isStatus ? 200 : 404, { 'content-type': 'application/json' })
    response.end(isStatus ? body : '{}')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '0.0.0.0', 4_096, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    get asked() {
      return asked
    },
    serve: (ip, manifest) => void bodies.set(ip, statusBody(manifest)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
