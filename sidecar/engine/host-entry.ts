import type { HostConfiguration } from './configuration.ts'
import { HostServer } from './tls/host-server.ts'

/** A host as the pipeline uses it: everything that can be made once per configuration is made. */
export interface HostEntry extends Pick<HostConfiguration, 'hostTag' | 'hostNames' | 'isDefault' | 'handler' | 'mode'> {
  /** Ends TLS; undefined when the host has no usable certificate, or needs none. */
  readonly server: HostServer | undefined
  /** Why there is no server; empty when there is one. */
  readonly problem: string
  readonly clientCertificate: NonNullable<HostConfiguration['tls']>['clientCertificate']
  readonly groups: readonly string[]
}

const ASKS_NOTHING: HostEntry['clientCertificate'] = {
  method: 'None',
  caPem: [],
  allowedNames: { commonNames: [], dnsNames: [], uris: [], spkiSha256: [] },
}

/**
 * Prepares a host. One that TLS cannot be set up for keeps its place in the table and refuses its own clients.
 * @param known The host as it was, whose TLS server is kept when TLS is ended by the same object as before.
 */
export function hostEntry(
  host: HostConfiguration,
  ticketSecrets: readonly Buffer[],
  known?: HostServer | undefined,
): HostEntry {
  const { hostTag, hostNames, isDefault, handler, mode, tls } = host
  let server: HostServer | undefined
  let problem = 'the host has no usable certificate'
  if (tls && tls.certificates.length > 0)
    try {
      server = known ?? new HostServer(hostTag, tls, ticketSecrets)
      problem = ''
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
  return {
    hostTag,
    hostNames,
    isDefault,
    handler,
    mode,
    server,
    problem,
    clientCertificate: tls?.clientCertificate ?? ASKS_NOTHING,
    groups: tls?.policy.groups ?? [],
  }
}
