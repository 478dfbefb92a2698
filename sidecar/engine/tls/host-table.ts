/** What a table needs to know of a host. */
export interface NamedHost {
  readonly hostNames: readonly string[]
  readonly isDefault: boolean
}

/**
 * The hosts of one listener by server name: exact first, then a wildcard of one label, then the listener's default.
 * Made once per configuration; a look-up costs two map reads at the most.
 */
export class HostTable<Host extends NamedHost> {
  readonly #exact = new Map<string, Host>()
  /** Keyed by what follows `*.`. */
  readonly #wildcard = new Map<string, Host>()
  /** Serves clients with no or an unknown name; undefined: they are refused. */
  readonly defaultHost: Host | undefined
  readonly hosts: readonly Host[]

  constructor(hosts: readonly Host[]) {
    this.hosts = hosts
    for (const host of hosts)
      for (const name of host.hostNames) {
        const [map, key] = name.startsWith('*.') ? [this.#wildcard, name.slice(2)] : [this.#exact, name]
        if (!map.has(key)) map.set(key, host)
      }
    this.defaultHost = hosts.find((host) => host.isDefault)
  }

  /** @param serverName Lower-case name of the ClientHello, or undefined without one. */
  find(serverName: string | undefined): Host | undefined {
    if (serverName === undefined) return this.defaultHost
    const exact = this.#exact.get(serverName)
    if (exact) return exact
    const dot = serverName.indexOf('.')
    return (dot > 0 ? this.#wildcard.get(serverName.slice(dot + 1)) : undefined) ?? this.defaultHost
  }
}
