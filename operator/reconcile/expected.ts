import type { SocketServerSpec } from '../../crds/index.ts'
import type { Expected } from './facts.ts'

/** Tags of the hosts that end TLS, and so need a certificate. */
function tagsThatEndTls({ listeners, icsHosts }: SocketServerSpec): readonly string[] {
  const tls = new Set(listeners.filter((listener) => listener.tls).map(({ name }) => name))
  const hosts = icsHosts.filter(
    ({ enabled, handler, listeners: named }) =>
      enabled &&
      handler.type !== 'Passthrough' &&
      (named.length === 0 ? tls.size > 0 : named.some((name) => tls.has(name))),
  )
  const own = listeners.filter(({ tls: isTls, handler }) => isTls && handler && handler.type !== 'Passthrough')
  return [...hosts.map(({ hostTag }) => hostTag), ...own.map(({ name }) => name)]
}

/** What the engines are expected to tell of a specification. Pure. */
export const expectedOf = (spec: SocketServerSpec): Expected => ({
  listeners: spec.listeners.length,
  certExpireDays: spec.certExpireDays,
  tlsTags: tagsThatEndTls(spec),
})
