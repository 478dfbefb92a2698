import type { Certificate, ClientCertificate, HandlerSpec, SocketServerSpec, TlsOverrides } from '../../crds/index.ts'
import type { SecurityLevelName } from '../engine/tls/policy.ts'

/** A host to serve, with everything the manifest leaves implied said aloud. */
export interface PlannedHost {
  readonly hostTag: string
  /** Lower-case. */
  readonly hostNames: readonly string[]
  /** Names of the listeners that serve it; never empty unless the manifest names none that exist. */
  readonly listeners: readonly string[]
  readonly isDefault: boolean
  readonly certificate: Certificate | undefined
  readonly securityLevel: SecurityLevelName
  readonly tls: TlsOverrides | undefined
  readonly clientCertificate: ClientCertificate | undefined
  readonly handler: HandlerSpec
  /** Milliseconds its backends have to accept. */
  readonly connectMs: number
  /** Whether TLS is ended for it somewhere, so that it needs a certificate. */
  readonly endsTls: boolean
}

/**
 * The enabled hosts of a manifest, and one more for each listener with a handler of its own, which is that listener's
 * default under the listener's name.
 */
export function plannedHosts(spec: SocketServerSpec): readonly PlannedHost[] {
  const tlsListeners = new Set(spec.listeners.filter((listener) => listener.tls).map((listener) => listener.name))
  const everyListener = spec.listeners.map((listener) => listener.name)
  const endsTls = (listeners: readonly string[], handler: HandlerSpec) =>
    handler.type !== 'Passthrough' && listeners.some((name) => tlsListeners.has(name))

  const connectMs = spec.timeouts.connectSeconds * 1000
  const hosts = spec.icsHosts
    .filter((host) => host.enabled)
    .map((host): PlannedHost => {
      const listeners = host.listeners.length > 0 ? host.listeners : everyListener
      return {
        hostTag: host.hostTag,
        hostNames: host.hostNames.map((name) => name.toLowerCase()),
        listeners,
        isDefault: host.default,
        certificate: host.certificate,
        securityLevel: host.securityLevel,
        tls: host.tls,
        clientCertificate: host.clientCertificate,
        handler: host.handler,
        connectMs,
        endsTls: endsTls(listeners, host.handler),
      }
    })
  const own = spec.listeners.flatMap((listener): PlannedHost[] => {
    if (!listener.handler) return []
    return [
      {
        hostTag: listener.name,
        hostNames: [],
        listeners: [listener.name],
        isDefault: true,
        certificate: listener.certificate,
        securityLevel: 'High',
        tls: undefined,
        clientCertificate: undefined,
        handler: listener.handler,
        connectMs,
        endsTls: endsTls([listener.name], listener.handler),
      },
    ]
  })
  return [...hosts, ...own]
}
