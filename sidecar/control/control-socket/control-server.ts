import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ControlError, type ControlTarget } from './control-target.ts'
import { answerControl } from './verbs.ts'

/** Bytes of a request's body; a list of ids is the longest there is. */
const MAX_BODY_BYTES = 1024 * 1024
/** Entries of a long list that are written in one turn of the event loop, so that clients do not wait for it. */
const ENTRIES_PER_TURN = 200

/**
 * The control protocol: HTTP with JSON bodies, one path per verb. Not listening yet. Slow, large or many requests are
 * cut off, never queued without bound. What fails is an object with `error` and `hint`.
 */
export function createControlServer(target: ControlTarget, onError: (error: unknown) => void): Server {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 5000,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      answer(request, response, target).catch((error: unknown) => {
        const known = error instanceof ControlError
        if (!known) onError(error)
        if (response.headersSent) {
          response.destroy()
          return
        }
        const status = known ? error.status : 500
        const told = known
          ? { error: error.message, hint: error.hint }
          : { error: 'the engine cannot answer', hint: 'its log has the cause' }
        // The rest of a body that is too long is not waited for.
        if (!request.complete) response.setHeader('connection', 'close')
        send(response, status, JSON.stringify(told))
      })
    },
  )
  server.maxConnections = 64
  server.on('clientError', (_error, socket) => socket.destroy())
  return server
}

async function answer(request: IncomingMessage, response: ServerResponse, target: ControlTarget): Promise<void> {
  const { method = 'GET', url = '/' } = request
  const body = await readBody(request)
  const value = await answerControl({ method, url, body }, target)
  if ('clients' in value && Array.isArray(value.clients)) await sendList(response, 'clients', value.clients)
  else send(response, 200, JSON.stringify(value))
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else reject(new ControlError(413, `the body is larger than ${MAX_BODY_BYTES} bytes`, 'ask for less at a time'))
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
  })
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch {
    throw new ControlError(400, 'the body is not JSON', 'give a JSON object')
  }
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { ...HEADERS, 'content-length': Buffer.byteLength(body) + 1 })
  response.end(`${body}\n`)
}

async function sendList(response: ServerResponse, name: string, entries: readonly unknown[]): Promise<void> {
  response.writeHead(200, HEADERS)
  response.write(`{${JSON.stringify(name)}:[`)
  for (let at = 0; at < entries.length; at += ENTRIES_PER_TURN) {
    const piece = entries.slice(at, at + ENTRIES_PER_TURN).map((entry) => JSON.stringify(entry))
    const hasRoom = response.write(`${at === 0 ? '' : ','}${piece.join(',')}`)
    if (response.destroyed) return
    await (hasRoom ? new Promise((resolve) => setImmediate(resolve)) : drained(response))
  }
  response.end(']}\n')
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
