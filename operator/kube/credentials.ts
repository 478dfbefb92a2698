import { readFile, stat } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { dirname } from 'node:path'
import { SocketServerError } from '../../sidecar/base/errors.ts'

/** How to reach the API server and who to be there. */
export interface Credentials {
  /** Origin, for example `https://10.0.0.1:443`. */
  readonly server: string
  /** Namespace of the program's own identity; undefined when nothing names one. */
  readonly namespace: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly tls: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly servername?: string
    readonly rejectUnauthorized?: boolean
  }
  /** URL of a proxy on the way. */
  readonly proxy?: string
}

/** Reads the credentials as they are now. */
export type CredentialSource = () => Promise<Credentials>

/** Where a pod finds its identity. */
const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'

const cannot = (detail: string, hint: string, cause?: unknown) =>
  new SocketServerError('SS_INPUT_UNREADABLE', detail, { hint, cause })

/**
 * The credentials the kubelet gives a pod; the token is renewed on disk by the kubelet.
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE when this is no pod, or its token is not mounted
 */
export const podCredentials =
  (env: Readonly<Record<string, string | undefined>>, directory = SERVICE_ACCOUNT_DIRECTORY): CredentialSource =>
  async () => {
    const host = env['KUBERNETES_SERVICE_HOST']
    const port = env['KUBERNETES_SERVICE_PORT']
    if (!host || !port)
      throw cannot('KUBERNETES_SERVICE_HOST is not set, so this is no pod', 'give a kubeconfig by --kubeconfig FILE')
    try {
      const [token, ca, namespace] = await Promise.all(
        ['token', 'ca.crt', 'namespace'].map((name) => readFile(`${directory}/${name}`, 'utf8')),
      )
      return {
        server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
        namespace: namespace?.trim(),
        headers: { authorization: `Bearer ${token?.trim()}` },
        tls: { ca: ca ?? '' },
      }
    } catch (cause) {
      throw cannot(
        `the service account in "${directory}" cannot be read: ${(cause as Error).message}`,
        'set automountServiceAccountToken of the operator to true',
        cause,
      )
    }
  }

type HttpsOptions = Readonly<Record<string, unknown>> & { headers?: Record<string, string>; auth?: string }

const textOf = (value: unknown) => (value === undefined || value === null ? undefined : String(value))

/**
 * The credentials of a kubeconfig, its plugins included. The file, and the files it names, are read anew each time.
 *
 * @throws SocketServerError SS_INPUT_UNREADABLE when it cannot be used
 */
export const kubeconfigCredentials = (path: string, context?: string): CredentialSource => {
  let loaded: { stamp: string; read: () => Promise<Credentials> } | undefined
  return async () => {
    try {
      const { mtimeMs, size, ino } = await stat(path)
      const stamp = `${ino} ${size} ${mtimeMs}`
      if (loaded?.stamp !== stamp) loaded = { stamp, read: await loadKubeconfig(path, context) }
      return await loaded.read()
    } catch (cause) {
      if (cause instanceof SocketServerError) throw cause
      throw cannot(
        `the kubeconfig "${path}" cannot be used: ${(cause as Error).message}`,
        'try it: kubectl --kubeconfig FILE get socketservers',
        cause,
      )
    }
  }
}

async function loadKubeconfig(path: string, context: string | undefined): Promise<() => Promise<Credentials>> {
  // It takes some 90 MB of memory, and in a pod nothing needs it.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromFile(path)
  config.makePathsAbsolute(dirname(path))
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw cannot(
        `the kubeconfig "${path}" has no context "${context}"`,
        `its contexts: ${config.contexts.map(({ name }) => `"${name}"`).join(', ')}`,
      )
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null)
    throw cannot(`the kubeconfig "${path}" names no current cluster`, 'set current-context, or give --context NAME')
  return async () => {
    const options: HttpsOptions = {}
    await config.applyToHTTPSOptions(options as never)
    const basic = options.auth === undefined ? {} : { authorization: `Basic ${btoa(options.auth)}` }
    const headers = Object.entries({ ...basic, ...options.headers }).map(([name, value]) => [name.toLowerCase(), value])
    const tls = Object.entries({ ca: options['ca'], cert: options['cert'], key: options['key'] })
      .map(([name, value]) => [name, textOf(value)])
      .filter(([, value]) => value !== undefined)
    return {
      server: cluster.server.replace(/\/+$/, ''),
      namespace: config.getContextObject(config.getCurrentContext())?.namespace,
      headers: Object.fromEntries(headers),
      tls: {
        ...Object.fromEntries(tls),
        ...(cluster.tlsServerName ? { servername: cluster.tlsServerName } : {}),
        ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
      },
      ...(cluster.proxyUrl ? { proxy: cluster.proxyUrl } : {}),
    }
  }
}
