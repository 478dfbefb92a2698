import type { CaRef, IcsHostStatus } from '../../crds/index.ts'
import type { CertificateStore } from '../certificates/store.ts'
import type { ClientCertificatePolicy, HostConfiguration } from '../engine/configuration.ts'
import { policyOf } from '../engine/tls/policy.ts'
import type { HandlerShelf } from './handler-shelf.ts'
import type { PlannedHost } from './planned-hosts.ts'

const ASKS_NOTHING: ClientCertificatePolicy = {
  method: 'None',
  caPem: [],
  allowedNames: { commonNames: [], dnsNames: [], uris: [], spkiSha256: [] },
}

/**
 * Turns planned hosts and the material that is served into the engine's configuration. A host whose plan and material
 * are what they were is the same object again, which is how the engine knows that nothing changed for it.
 */
export class HostConfigurations {
  readonly #store: CertificateStore
  readonly #handlers: HandlerShelf
  #known = new Map<string, { readonly key: string; readonly configuration: HostConfiguration }>()

  constructor(store: CertificateStore, handlers: HandlerShelf) {
    this.#store = store
    this.#handlers = handlers
  }

  of(hosts: readonly PlannedHost[]): readonly HostConfiguration[] {
    const known = new Map<string, { readonly key: string; readonly configuration: HostConfiguration }>()
    for (const host of hosts) {
      const made = this.#make(host)
      const key = JSON.stringify([host, made.material])
      const before = this.#known.get(host.hostTag)
      known.set(host.hostTag, before?.key === key ? before : { key, configuration: made.configuration() })
    }
    this.#known = known
    return hosts.flatMap((host) => known.get(host.hostTag)?.configuration ?? [])
  }

  /** The material a host is served with, by its hashes, and how the host is made of it. */
  #make(host: PlannedHost): { readonly material: unknown; configuration(): HostConfiguration } {
    const certificates = host.endsTls ? (this.#store.hosts().get(host.hostTag)?.certificates ?? []) : []
    const client = clientCertificates(host, this.#store)
    return {
      material: [certificates.map((certificate) => certificate.sha256), client.caPem],
      configuration: () => ({
        hostTag: host.hostTag,
        hostNames: host.hostNames,
        listeners: host.listeners,
        isDefault: host.isDefault,
        handler: this.#handlers.get(host),
        mode: host.handler.type === 'Passthrough' ? 'passthrough' : 'terminate',
        tls: host.endsTls
          ? {
              policy: policyOf(host.securityLevel, host.tls),
              certificates: certificates.map(({ certPem, keyPem }) => ({ certPem, keyPem })),
              alpn: host.tls?.alpn ?? [],
              clientCertificate: client,
            }
          : undefined,
      }),
    }
  }
}

function clientCertificates(host: PlannedHost, store: CertificateStore): ClientCertificatePolicy {
  const asked = host.clientCertificate
  if (!host.endsTls || !asked || asked.method === 'None') return ASKS_NOTHING
  return {
    method: asked.method,
    caPem: asked.caRefs.flatMap((ref: CaRef) => store.ca(ref).pem),
    allowedNames: asked.allowedNames,
  }
}

/** The public facts of the hosts, in the shape of the resource's status. */
export function hostStatuses(hosts: readonly PlannedHost[], store: CertificateStore): readonly IcsHostStatus[] {
  return hosts.map((host) => {
    const found = store.hosts().get(host.hostTag)
    return {
      hostTag: host.hostTag,
      grade: found?.grade ?? 'None',
      messages: found?.messages ?? [],
      certificates: (found?.certificates ?? []).map(({ certPem: _cert, keyPem: _key, ...facts }) => facts),
    }
  })
}
