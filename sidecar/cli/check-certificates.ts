import type { CertificateStatus, Grade, Problem, SocketServer, SocketServerSpec } from '../../crds/index.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { CertificateStore } from '../certificates/store.ts'
import { caRefsOf, credentialNamesOf, requirementsOf } from '../compose/material.ts'
import { plannedHosts } from '../compose/planned-hosts.ts'
import type { Directories } from './serve-options.ts'

/** The certificates of one host. */
export interface HostVerdict {
  readonly hostTag: string
  /** Whether it needs a certificate. */
  readonly endsTls: boolean
  readonly grade: Grade
  readonly certificates: readonly CertificateStatus[]
}

/** What was found about the Secrets and ConfigMaps a manifest names. */
export interface CertificateVerdict {
  readonly hosts: readonly HostVerdict[]
  /** Because of which clients would be refused. */
  readonly problems: readonly Problem[]
  /** What works, and is to be looked at soon. */
  readonly warnings: readonly Problem[]
}

/** Where the manifest names the material of a host: in icsHosts, or in the listener the host belongs to. */
const placeOf = (spec: SocketServerSpec, hostTag: string): string => {
  const at = spec.icsHosts.findIndex((host) => host.hostTag === hostTag)
  if (at !== -1) return `spec.icsHosts[${at}]`
  return `spec.listeners[${spec.listeners.findIndex((listener) => listener.name === hostTag)}]`
}

/** Loads what a manifest names as `serve` would, and grades it. */
export const checkCertificates = async (
  manifest: SocketServer,
  directories: Directories,
): Promise<CertificateVerdict> => {
  const { spec } = manifest
  const planned = plannedHosts(spec)
  const store = new CertificateStore({
    ...directories,
    certExpireDays: spec.certExpireDays,
    recheckSeconds: spec.recheckSeconds,
    selfSigned: false,
    log: silentLog,
    clock: systemClock,
  })
  try {
    await store.setHosts(requirementsOf(planned), { cas: caRefsOf(planned), credentials: credentialNamesOf(planned) })
    const problems: Problem[] = []
    const warnings: Problem[] = []
    const hosts = planned.map((host): HostVerdict => {
      const place = placeOf(spec, host.hostTag)
      // The messages of the store name the cure themselves.
      const tell = (to: Problem[], field: string, message: string) =>
        to.push({ rule: 'certificate', path: `${place}.${field}`, value: '', message, cure: '' })
      const { grade = 'None', messages = [], certificates = [] } = store.hosts().get(host.hostTag) ?? {}
      const isRefusing = host.endsTls && (grade === 'Fail' || certificates.length === 0)
      for (const message of messages) tell(isRefusing ? problems : warnings, 'certificate', message)
      if (isRefusing && messages.length === 0) tell(problems, 'certificate', 'there is no usable certificate')
      for (const ref of host.clientCertificate?.caRefs ?? []) {
        for (const message of store.ca(ref).messages) tell(problems, 'clientCertificate.caRefs', message)
      }
      const { caRef, clientSecretName } = host.handler.forward?.tls ?? {}
      for (const message of caRef === undefined ? [] : store.ca(caRef).messages)
        tell(problems, 'handler.forward.tls.caRef', message)
      const credential = clientSecretName === undefined ? undefined : store.credential(clientSecretName)
      if (credential !== undefined && 'problem' in credential) {
        tell(problems, 'handler.forward.tls.clientSecretName', credential.problem)
      }
      const facts = certificates.map(({ certPem: _certPem, keyPem: _keyPem, ...rest }) => rest)
      return { hostTag: host.hostTag, endsTls: host.endsTls, grade, certificates: facts }
    })
    return { hosts, problems, warnings }
  } finally {
    store.close()
  }
}
