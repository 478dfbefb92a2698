import { Agent, type IncomingMessage, request } from 'node:http'
import { SocketServerError } from '../../base/errors.ts'
import type { ClientFilter } from './client-filter.ts'
import type { ClientReport } from './client-report.ts'
import type { ControlTarget } from './control-target.ts'

/** Milliseconds without a byte after which the engine counts as hung; a recheck reads files, perhaps over a network. */
const ANSWER_MS = { usual: 10_000, recheck: 120_000 } as const
/** Bytes of an answer: 100,000 clients are about 50 MB. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024

/** A running engine, asked through its control socket. */
export interface ControlClient extends ControlTarget {
  readonly path: string
  close(): void
}

/**
 * Speaks to the engine behind a control socket. Every call rejects with a SocketServerError: SS_ENGINE_UNREACHABLE when
 * nobody answers, SS_USAGE when the engine refuses what is asked, SS_FAILED when it cannot do it.
 */
export function connectControl(path: string): ControlClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async <T>(method: string, verb: string, body?: object): Promise<T> => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const timeout = verb === 'recheck' ? ANSWER_MS.recheck : ANSWER_MS.usual
    const { status, answer } = await exchange(path, agent, method, `/v1/${verb}`, text, timeout)
    let value: unknown
    try {
      value = JSON.parse(answer)
    } catch {
      throw unreachable(
        `what listens on "${path}" does not answer as an engine does`,
        'give the path of a control socket',
      )
    }
    if (status === 200) return value as T
    const { error = `it answers ${status}`, hint } = value as { error?: string; hint?: string }
    const code = status < 500 ? 'SS_USAGE' : 'SS_FAILED'
    throw new SocketServerError(code, error, hint === undefined ? {} : { hint })
  }
  return {
    path,
    close: () => agent.destroy(),
    states: () => ask('GET', 'states'),
    async clients(filter: ClientFilter) {
      const query = new URLSearchParams(Object.entries(filter)).toString()
      const { clients } = await ask<{ clients: readonly ClientReport[] }>('GET', `clients${query && `?${query}`}`)
      return clients
    },
    disconnect: (clientIds) => ask('POST', 'disconnect', { clientIds }),
    certs: () => ask('GET', 'certs'),
    recheck: () => ask('POST', 'recheck'),
    drain: () => ask('POST', 'drain'),
    totals: () => ask('GET', 'totals'),
  }
}

const unreachable = (detail: string, hint: string, cause?: unknown) =>
  new SocketServerError('SS_ENGINE_UNREACHABLE', detail, { hint, cause })

function explain(path: string, error: NodeJS.ErrnoException): SocketServerError {
  switch (error.code) {
    case 'ENOENT':
      return unreachable(
        `there is no control socket "${path}"`,
        'look at the path; the engine logs it when it starts',
        error,
      )
    case 'ECONNREFUSED':
      return unreachable(
        `nobody listens on the control socket "${path}"`,
        'the engine it belonged to has ended; start it again',
        error,
      )
    case 'EACCES':
    case 'EPERM':
      return unreachable(
        `the control socket "${path}" belongs to another user`,
        'run the command as that user, or as root',
        error,
      )
    case 'ENOTSOCK':
    case 'EPROTOTYPE':
      return unreachable(`"${path}" is no control socket`, 'look at the path', error)
    default:
      return unreachable(
        `the control socket "${path}" fails (${error.code ?? error.message})`,
        'the engine may have ended meanwhile; its log has the cause',
        error,
      )
  }
}

const exchange = (
  path: string,
  agent: Agent,
  method: string,
  url: string,
  body: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly answer: string }> =>
  new Promise((resolve, reject) => {
    const headers = body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request({ socketPath: path, agent, method, path: url, headers }, (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_ANSWER_BYTES) sent.destroy(new Error('the answer is too long'))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        if (response.complete) resolve({ status: response.statusCode ?? 0, answer: Buffer.concat(chunks).toString() })
        else reject(explain(path, new Error('the answer was cut off')))
      })
      response.on('error', (error) => reject(explain(path, error)))
    })
    sent.setTimeout(timeoutMs, () =>
      sent.destroy(
        unreachable(
          `the engine on "${path}" does not answer within ${timeoutMs / 1000} s`,
          'it hangs; look at its log',
        ),
      ),
    )
    sent.on('error', (error: NodeJS.ErrnoException) =>
      reject(error instanceof SocketServerError ? error : explain(path, error)),
    )
    sent.end(body)
  })
