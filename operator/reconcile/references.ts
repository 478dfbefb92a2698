import type { CaRef, Certificate, HandlerSpec, SocketServerSpec } from '../../crds/index.ts'

/** The objects whose contents the engine reads, sorted by name. */
export interface References {
  readonly secrets: readonly string[]
  readonly configMaps: readonly string[]
}

/**
 * Every Secret and ConfigMap that a specification names. Those of disabled hosts are among them, so that enabling one is a
 * change of configuration and replaces no pod.
 */
export function referencesOf(spec: SocketServerSpec): References {
  const secrets = new Set<string>()
  const configMaps = new Set<string>()
  const addCa = (ref: CaRef) => (ref.kind === 'Secret' ? secrets : configMaps).add(ref.name)
  const addCertificate = (certificate: Certificate | undefined) => {
    if (certificate === undefined) return
    for (const name of [certificate.secretName, ...certificate.additionalSecretNames]) secrets.add(name)
  }
  const addHandler = (handler: HandlerSpec | undefined) => {
    const tls = handler?.forward?.tls
    if (tls?.caRef !== undefined) addCa(tls.caRef)
    if (tls?.clientSecretName !== undefined) secrets.add(tls.clientSecretName)
  }
  for (const host of spec.icsHosts) {
    addCertificate(host.certificate)
    for (const ref of host.clientCertificate?.caRefs ?? []) addCa(ref)
    addHandler(host.handler)
  }
  for (const listener of spec.listeners) {
    addCertificate(listener.certificate)
    addHandler(listener.handler)
  }
  return { secrets: [...secrets].sort(), configMaps: [...configMaps].sort() }
}
