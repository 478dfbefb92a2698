import type { CaRef, IcsHostStatus } from '../../crds/index.ts'
import type { CertificateStore } from '../certificates/store.ts'
import type { ClientCertificatePolicy, HostConfiguration, HostTls } from '../engine/configuration.ts'
import { policyOf } from '../engine/tls/policy.ts'
import type { HandlerShelf } from './handler-shelf.ts'
import type { PlannedHost } from './planned-hosts.ts'

const ASKS_NOTHING: ClientCertificatePolicy = {
  method: 'None',
  caPem: [],
  allowedNames: { commonNames: [], dnsNames: [], uris: [], spkiSha256: [] },
}

interface Known {
  /** Equal when nothing changed for the host. */
  readonly key: string
  /** Equal when TLS is ended as before. */
  readonly tlsKey: string | undefined
  readonly configuration: HostConfiguration
}

/**
 * Turns planned hosts and the material that is served into the engine's configuration. A host whose plan and material
 * are what they were is the same object again, and so is the part of it that says how TLS is ended: that is how the
 * engine knows that nothing changed.
 */
export class HostConfigurations {
  readonly #store: CertificateStore
  readonly #handlers: HandlerShelf
  #known = new Map<string, Known>()

  constructor(store: CertificateStore, handlers: HandlerShelf) {
    this.#store = store
    this.#handlers = handlers
  }

  of(hosts: readonly PlannedHost[]): readonly HostConfiguration[] {
    const known = new Map<string, Known>()
    for (const host of hosts) known.set(host.hostTag, this.#make(host, this.#known.get(host.hostTag)))
    this.#known = known
    return hosts.flatMap((host) => known.get(host.hostTag)?.configuration ?? [])
  }

  #make(host: PlannedHost, before: Known | undefined): Known {
    const tls = host.endsTls ? this.#tls(host) : undefined
    const tlsKey = JSON.stringify(tls)
    const key = JSON.stringify([host, tlsKey])
    if (before?.key === key) return before
    const configuration: HostConfiguration = {
      hostTag: host.hostTag,
      hostNames: host.hostNames,
      listeners: host.listeners,
      isDefault: host.isDefault,
      handler: this.#handlers.get(host),
      mode: host.handler.type === 'Passthrough' ? 'passthrough' : 'terminate',
      tls: before && before.tlsKey === tlsKey ? before.configuration.tls : tls,
    }
    return { key, tlsKey, configuration }
  }

  #tls(host: PlannedHost): HostTls {
    const certificates = this.#store.hosts().get(host.hostTag)?.certificates ?? []
    return {
      policy: policyOf(host.securityLevel, host.tls),
      certificates: certificates.map(({ certPem, keyPem }) => ({ certPem, keyPem })),
      alpn: host.tls?.alpn ?? [],
      clientCertificate: clientCertificates(host, this.#store),
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
