import type { IcsHostStatus, ListenerStatus, SocketServerStatus } from '../../crds/index.ts'
import { mergeConditions } from './conditions.ts'
import { type EngineReport, type Facts, reportsOf } from './facts.ts'
import { judge } from './judge.ts'

const MOST_MESSAGES = 32
/** An object of the API server has at most 1.5 MiB; the names in certificates are what a status of that size is made of. */
const MOST_BYTES = 1_000_000

const WORSE = { OK: 0, Warn: 1, Fail: 2, None: 3 } as const

/** One listener over all pods: it listens when it does in each. */
function joinListeners(reports: readonly { pod: string; report: EngineReport }[]): ListenerStatus[] {
  const joined = new Map<string, ListenerStatus>()
  for (const { pod, report } of reports)
    for (const one of report.listeners) {
      const before = joined.get(one.name)
      const isUp = one.state === 'Listening'
      const error = isUp ? '' : `pod "${pod}": ${one.error || 'it is being opened'}`.slice(0, 1024)
      joined.set(one.name, {
        name: one.name,
        state: isUp && before?.state !== 'Closed' ? 'Listening' : 'Closed',
        address: one.address,
        port: one.port,
        readyPods: (before?.readyPods ?? 0) + (isUp ? 1 : 0),
        clients: (before?.clients ?? 0) + one.clients,
        error: before?.error || error,
      })
    }
  return [...joined.values()]
}

/** One host over all pods: the state of the pod where it is worst. */
function joinHosts(reports: readonly { report: EngineReport }[]): IcsHostStatus[] {
  const joined = new Map<string, IcsHostStatus>()
  for (const { report } of reports)
    for (const one of report.icsHosts) {
      const before = joined.get(one.hostTag)
      if (before === undefined) {
        joined.set(one.hostTag, one)
        continue
      }
      const worst = WORSE[one.grade] > WORSE[before.grade] ? one : before
      const messages = [...new Set([...worst.messages, ...before.messages, ...one.messages])].slice(0, MOST_MESSAGES)
      joined.set(one.hostTag, { ...worst, messages })
    }
  return [...joined.values()]
}

/** Shortens what is longest, until the status fits into an object. */
function fitted(hosts: readonly IcsHostStatus[]): readonly IcsHostStatus[] {
  let room = MOST_BYTES
  return hosts.map((host) => {
    room -= JSON.stringify(host).length
    if (room >= 0) return host
    const certificates = host.certificates.map((one) => ({ ...one, names: [] }))
    return { ...host, certificates, messages: host.messages.slice(0, 1).map((one) => one.slice(0, 256)) }
  })
}

const earliest = (hosts: readonly IcsHostStatus[]): string | undefined =>
  hosts.flatMap(({ certificates }) => certificates.map(({ notAfter }) => notAfter)).sort()[0]

/** What is reported of a resource: the verdicts, and what the engines told. Fields of which nothing is known are left out. Pure. */
export function statusOf(facts: Facts): Partial<SocketServerStatus> {
  const { before, generation, deployment, acceptance, now } = facts
  const reports = reportsOf(facts)
  const listeners = joinListeners(reports)
  const hosts = joinHosts(reports)
  const expiry = earliest(hosts)
  const isHeard = reports.length > 0
  const all = acceptance.accepted ? acceptance.expected.listeners : listeners.length
  const up = listeners.filter(({ state }) => state === 'Listening').length
  return {
    observedGeneration: generation,
    replicas: deployment?.replicas ?? 0,
    readyReplicas: deployment?.ready ?? 0,
    selector: facts.selector,
    clients: reports.reduce((sum, { report }) => sum + report.clients, 0),
    hosts: hosts.length,
    readyListeners: `${up}/${all}`,
    ...(facts.address === '' ? {} : { address: facts.address }),
    ...(expiry === undefined ? {} : { nextCertificateExpiry: expiry }),
    conditions: mergeConditions(before.conditions ?? [], judge(facts), generation, now),
    // While no pod can be heard what was last known is kept: it is what the pods go on with.
    listeners: isHeard ? listeners : (before.listeners ?? []),
    icsHosts: isHeard ? fitted(hosts) : (before.icsHosts ?? []),
  }
}

/** A status without what changes with every client. */
export const withoutClients = (status: Partial<SocketServerStatus>): unknown => ({
  ...status,
  clients: 0,
  listeners: (status.listeners ?? []).map((one) => ({ ...one, clients: 0 })),
})
