import type { TlsFacts } from '../ports.ts'

type Settled = Omit<TlsFacts, 'peerCertificate'>

/** By everything they say: as many as there are versions, suites and groups. */
const known = new Map<string, TlsFacts>()

/**
 * The facts of a handshake, one object for all clients that settled the same and showed no certificate: every client keeps
 * its facts, and the TLS library makes the texts in them anew for each.
 */
export function settledFacts(settled: Settled, peerCertificate: TlsFacts['peerCertificate']): TlsFacts {
  if (peerCertificate !== undefined) return { ...settled, peerCertificate }
  const key = `${settled.version} ${settled.cipher} ${settled.group} ${settled.resumed}`
  let facts = known.get(key)
  if (facts === undefined) {
    facts = Object.freeze({ ...settled, peerCertificate })
    known.set(key, facts)
  }
  return facts
}
