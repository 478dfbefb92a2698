import { writeFile } from 'node:fs/promises'
import { Agent, request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type CommandResult, runProgram } from './run-program.ts'

/** What the API server answered. */
export interface ApiAnswer {
  readonly status: number
  /** The body as JSON; its text when it is none. */
  readonly body: unknown
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[]
}

/** How something is asked of the API server. */
export interface ApiRequest {
  /** Default: GET, and POST with a body. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  /** Default `application/json`; a patch needs its own. */
  readonly contentType?: string
}

/** How an identity proves itself. */
export type Credentials = { readonly certificate: string; readonly key: string } | { readonly token: string }

/** Somebody who may talk to the API server: by a kubeconfig, by `kubectl`, or over HTTP. */
export interface Identity {
  /** Name of the user as the API server sees it. */
  readonly user: string
  /** Path of a kubeconfig with everything embedded. */
  readonly kubeconfig: string
  readonly credentials: Credentials
  /** Asks the API server, for example `/api/v1/namespaces`. Resolves whatever the status is. */
  request(path: string, request?: ApiRequest): Promise<ApiAnswer>
  /** Runs the real kubectl as this identity. */
  kubectl(args: readonly string[], options?: { readonly input?: string }): Promise<CommandResult>
}

interface Place {
  readonly directory: string
  readonly url: string
  /** PEM. */
  readonly ca: string
  readonly kubectl: string
}

const base64 = (pem: string) => Buffer.from(pem).toString('base64')

/** A kubeconfig for one identity, as JSON, which is YAML too. */
function kubeconfigOf(place: Place, user: string, credentials: Credentials): string {
  const secret =
    'token' in credentials
      ? { token: credentials.token }
      : {
          'client-certificate-data': base64(credentials.certificate),
          'client-key-data': base64(credentials.key),
        }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: place.url, 'certificate-authority-data': base64(place.ca) } }],
    users: [{ name: user, user: secret }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
    'current-context': 'test',
  })
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** Texts of `299 - "text"` headers (RFC 7234, 5.5). */
const warningsOf = (header: string | undefined): string[] =>
  [...(header ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replace(/\\(.)/g, '$1'))

let files = 0

/** Makes an identity of credentials; `agents` collects the connections to close at the end. */
export async function createIdentity(
  place: Place,
  user: string,
  credentials: Credentials,
  agents: Set<Agent>,
): Promise<Identity> {
  files += 1
  const kubeconfig = join(place.directory, `${files}.kubeconfig`)
  await writeFile(kubeconfig, kubeconfigOf(place, user, credentials), { mode: 0o600 })
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 16,
    ca: place.ca,
    ...('token' in credentials ? {} : { cert: credentials.certificate, key: credentials.key }),
  })
  agents.add(agent)
  return {
    user,
    kubeconfig,
    credentials,
    kubectl: (args, options = {}) =>
      runProgram([place.kubectl, ...args], {
        ...options,
        // kubectl keeps a cache in the home directory.
        env: { PATH: process.env['PATH'] ?? '', HOME: place.directory, KUBECONFIG: kubeconfig },
      }),
    request: (path, { method, body, contentType = 'application/json' } = {}) =>
      new Promise((resolve, reject) => {
        const sentText = body === undefined ? undefined : JSON.stringify(body)
        const headers = {
          accept: 'application/json',
          // Node leaves the length out of a DELETE, whose body would then be read as the next request.
          ...(sentText === undefined
            ? {}
            : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(sentText)) }),
          ...('token' in credentials ? { authorization: `Bearer ${credentials.token}` } : {}),
        }
        const sent = httpsRequest(
          new URL(path, place.url),
          { agent, headers, method: method ?? (body === undefined ? 'GET' : 'POST') },
          (answer) => {
            const warning = answer.headers['warning']
            text(answer).then(
              (said) =>
                resolve({
                  status: answer.statusCode ?? 0,
                  body: parsed(said),
                  warnings: warningsOf(warning as string),
                }),
              reject,
            )
          },
        )
        sent.on('error', reject)
        sent.end(sentText)
      }),
  }
}
