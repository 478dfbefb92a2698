import type { CaRef } from '../../crds/index.ts'
import type { HostRequirement } from '../certificates/store.ts'
import { LEVELS } from '../engine/tls/policy.ts'
import type { PlannedHost } from './planned-hosts.ts'

/** What the hosts need of the certificate store. */
export function requirementsOf(hosts: readonly PlannedHost[]): readonly HostRequirement[] {
  return hosts.map((host) => ({
    hostTag: host.hostTag,
    hostNames: host.hostNames,
    secretNames: host.certificate ? [host.certificate.secretName, ...host.certificate.additionalSecretNames] : [],
    strength: LEVELS[host.securityLevel].strength,
    needsCertificate: host.endsTls,
  }))
}

/** Every CA bundle the hosts name: for client certificates and for the certificates of backends. */
export function caRefsOf(hosts: readonly PlannedHost[]): readonly CaRef[] {
  return hosts.flatMap((host) => {
    const backendCa = host.handler.forward?.tls?.caRef
    return [...(host.clientCertificate?.caRefs ?? []), ...(backendCa ? [backendCa] : [])]
  })
}

/** Every Secret whose certificate is shown to backends. */
export function credentialNamesOf(hosts: readonly PlannedHost[]): readonly string[] {
  return hosts.flatMap((host) => host.handler.forward?.tls?.clientSecretName ?? [])
}
