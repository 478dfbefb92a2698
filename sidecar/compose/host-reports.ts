import { inspectPem } from '../certificates/inspect.ts'
import type { CertificateStore } from '../certificates/store.ts'
import type { ChainLink, HostReport } from '../control/host-report.ts'
import { hostStatuses } from './host-configurations.ts'
import type { PlannedHost } from './planned-hosts.ts'

/** The public facts of the hosts and, beside each certificate, the chain that is sent with it. */
export function hostReports(hosts: readonly PlannedHost[], store: CertificateStore): readonly HostReport[] {
  return hostStatuses(hosts, store).map((host) => {
    const served = store.hosts().get(host.hostTag)?.certificates ?? []
    return {
      ...host,
      certificates: host.certificates.map((certificate, i) => ({
        ...certificate,
        chain: chainOf(served[i]?.certPem ?? ''),
      })),
    }
  })
}

function chainOf(certPem: string): readonly ChainLink[] {
  return inspectPem(certPem).flatMap((block): ChainLink[] => {
    if (block.kind !== 'certificate') return []
    const { subject, issuer, notAfter, sha256 } = block.certificate.facts
    return [{ subject, issuer, notAfter, sha256 }]
  })
}
