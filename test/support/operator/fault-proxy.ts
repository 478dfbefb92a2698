import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import {
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import { Agent, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority } from '../certificates.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import { freePort } from '../ports.ts'

/** One request that went through the proxy. */
export interface ProxiedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** When it came, as `performance.now()` tells. */
  readonly at: number
  /** Of the answer; 0 until it begins. */
  status: number
  /** Whether the API server itself has told, in a watch, that the version asked for is too old. */
  isExpired: boolean
}

/** What is done to a request; what is left out is done right. */
export interface Fault {
  /** Milliseconds before it is passed on. */
  readonly delayMs?: number
  /** It is passed on when this has resolved. */
  readonly until?: Promise<unknown>
  /** Answered with this status, and not passed on. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The query is passed on with these changes. */
  readonly query?: Readonly<Record<string, string>>
  /** Its connection is cut: at once, or in the middle of the answer's body. */
  readonly cut?: 'at once' | 'midway'
  /** Its answer ends, as if it were whole, when the answer has begun. */
  readonly endsAtOnce?: boolean
}

/** Sits between the operator and the API server, speaks HTTP/2 with the one and HTTP/1.1 with the other, and makes faults. */
export interface FaultProxy extends AsyncDisposable {
  /** For whoever is to go through the proxy. */
  readonly kubeconfig: string
  /** Every request so far, oldest first. */
  readonly requests: readonly ProxiedRequest[]
  /** Decides on each request from now on; undefined: no faults. */
  faults(decide?: (request: ProxiedRequest) => Fault | undefined): void
  /** Cuts every connection, and refuses new ones until it is back. */
  leave(): void
  comeBack(): void
  /** Ends every watch that runs, as an API server does whose time for it is over. */
  endWatches(): void
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'])

const passed = (headers: NodeJS.Dict<string | string[]>): NodeJS.Dict<string | string[]> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name)))

/** Starts a proxy of a control plane; whoever uses its kubeconfig has that token. */
export async function startFaultProxy(plane: ControlPlane, token: string): Promise<FaultProxy> {
  const authority = createAuthority({ name: 'fault proxy' })
  const { certPem, keyPem } = authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
  const agent = new Agent({ keepAlive: true, ca: plane.ca })
  const requests: ProxiedRequest[] = []
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  const watches = new Set<() => void>()
  let decide: (request: ProxiedRequest) => Fault | undefined = () => undefined
  let isAway = false

  const pass = async (
    incoming: Http2ServerRequest,
    outgoing: Http2ServerResponse,
    record: ProxiedRequest,
    fault: Fault,
  ) => {
    if (fault.delayMs !== undefined) await sleep(fault.delayMs)
    await fault.until
    const cut = () => {
      const { session } = outgoing.stream ?? {}
      if (session !== undefined) session.destroy()
      else incoming.socket.destroy()
    }
    if (fault.cut === 'at once') {
      cut()
      return
    }
    if (fault.status !== undefined) {
      incoming.resume()
      record.status = fault.status
      outgoing.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      outgoing.end(fault.body ?? '')
      return
    }
    const query = new URLSearchParams(record.query)
    for (const [name, value] of Object.entries(fault.query ?? {})) query.set(name, value)
    const path = `${record.path}${query.size === 0 ? '' : `?${query}`}`
    const { hostname, port } = new URL(plane.url)
    const headers = passed(incoming.headers)
    const sent = httpsRequest({ agent, hostname, port, path, method: record.method, headers }, (answer) => {
      record.status = answer.statusCode ?? 0
      if (!outgoing.writableEnded) outgoing.writeHead(record.status, passed(answer.headers) as Record<string, string>)
      const finish = () => {
        outgoing.end()
        answer.destroy()
      }
      if (fault.endsAtOnce) {
        finish()
        return
      }
      if (record.query.get('watch') === 'true') {
        watches.add(finish)
        answer.once('close', () => watches.delete(finish))
      }
      answer.on('data', (chunk: Buffer) => {
        if (chunk.includes('"reason":"Expired"')) record.isExpired = true
        if (fault.cut === 'midway') {
          outgoing.write(chunk.subarray(0, chunk.length / 2), () => cut())
          answer.destroy()
        } else outgoing.write(chunk)
      })
      answer.on('end', () => outgoing.end())
      answer.on('error', cut)
    })
    sent.on('error', () => {
      if (!outgoing.headersSent) cut()
    })
    outgoing.on('close', () => sent.destroy())
    incoming.pipe(sent)
  }

  const server = createSecureServer({ cert: certPem, key: keyPem, allowHTTP1: true }, (incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url, 'https://proxy')
    const { method } = incoming
    const at = performance.now()
    const record = { method, path: pathname, query: searchParams, at, status: 0, isExpired: false }
    requests.push(record)
    outgoing.on('error', () => {})
    void pass(incoming, outgoing, record, decide(record) ?? {})
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.once('close', () => sessions.delete(session))
  })
  server.on('connection', (socket: Socket) => {
    if (isAway) {
      socket.resetAndDestroy()
      return
    }
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('sessionError', () => {})
  server.listen(await freePort(), '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const kubeconfig = join(plane.directory, `proxy-${port}.kubeconfig`)
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    'certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
  }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  }
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 })
  const cutAll = () => {
    for (const session of sessions) session.destroy()
    for (const socket of sockets) socket.destroy()
  }
  return {
    kubeconfig,
    requests,
    faults: (next = () => undefined) => {
      decide = next
    },
    leave() {
      isAway = true
      cutAll()
    },
    comeBack() {
      isAway = false
    },
    endWatches() {
      for (const end of [...watches]) end()
    },
    async [Symbol.asyncDispose]() {
      cutAll()
      agent.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
