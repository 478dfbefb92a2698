import type { Log } from '../../base/log.ts'
import type { ClientState } from '../../engine/ports.ts'
import type { Counts } from '../admin/counts.ts'
import type { HostReport } from '../host-report.ts'
import type { Identity } from '../identity.ts'
import type { ServerView } from '../server-view.ts'
import { trafficOf } from '../traffic.ts'
import { certificateChanges } from './certificate-changes.ts'
import { filterClients } from './client-filter.ts'
import { clientReport } from './client-report.ts'
import type { ControlTarget, Totals, TotalsReport } from './control-target.ts'

/** The server in this process, as the control socket uses it. */
interface ControlledServer extends ServerView {
  clients(): readonly ClientState[]
  disconnect(clientId: string): boolean
  certificates(): readonly HostReport[]
  recheck(): Promise<void>
}

/** What a target of this process is made of. */
export interface LocalTargetOptions {
  readonly server: ControlledServer
  readonly counts: Counts
  readonly identity: () => Identity
  readonly drainSeconds: () => number
  readonly isStopping: () => boolean
  /** Begins the graceful stop. */
  readonly stop: () => void
  readonly log: Log
}

/** The target that is the engine of this process. */
export function createLocalTarget(options: LocalTargetOptions): ControlTarget {
  const { server, counts, identity, isStopping, log } = options
  const startedAt = performance.now()
  const nameOf = () => ({ name: identity().name, namespace: identity().namespace })

  return {
    async states() {
      const listeners = server.listenStates()
      const listenAllOk = listeners.every((one) => one.state === 'Listening')
      return { ...nameOf(), listenAllOk, stopping: isStopping(), clients: server.clientCount, listeners }
    },

    async clients(filter) {
      const known = {
        listeners: server.listenStates().map(({ name }) => name),
        hosts: server.hosts().map(({ hostTag }) => hostTag),
      }
      return filterClients(server.clients(), filter, known).map(clientReport)
    },

    async disconnect(clientIds) {
      const disconnected: string[] = []
      const notFound: string[] = []
      for (const id of new Set(clientIds)) (server.disconnect(id) ? disconnected : notFound).push(id)
      if (disconnected.length > 0) log('info', 'clients disconnected on request', { clients: disconnected.join(' ') })
      return { disconnected, notFound }
    },

    async certs() {
      return { hosts: server.certificates() }
    },

    async recheck() {
      const before = server.certificates()
      await server.recheck()
      const hosts = server.certificates()
      log('info', 'certificates rechecked', { cause: 'command' })
      return { hosts, changes: certificateChanges(before, hosts) }
    },

    async drain() {
      const begun = !isStopping()
      const clients = server.clientCount
      if (begun) options.stop()
      return { begun, clients, drainSeconds: options.drainSeconds() }
    },

    async totals() {
      const at = performance.now()
      return {
        ...nameOf(),
        at,
        uptimeSeconds: Math.round((at - startedAt) / 1000),
        clients: server.clientCount,
        stopping: isStopping(),
        ...totalsOf(server, counts),
      }
    },
  }
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0)

function totalsOf(server: ControlledServer, counts: Counts): Pick<TotalsReport, 'listeners' | 'hosts'> {
  const live = server.liveTraffic()
  const traffic = trafficOf(counts, live, [])
  const bytes = (of: typeof traffic) => ({
    receivedBytes: sum(of.map((one) => one.receivedBytes)),
    sentBytes: sum(of.map((one) => one.sentBytes)),
  })
  const listeners = server.listenStates().map(({ name, clients }): Totals => {
    const { accepted, handshakeCount } = counts.of(name)
    const own = traffic.filter(({ listener }) => listener === name)
    return { name, clients, connections: accepted, handshakes: handshakeCount, ...bytes(own) }
  })
  const hosts = server.hosts().map(({ hostTag }): Totals => {
    const own = traffic.filter((one) => one.hostTag === hostTag)
    return {
      name: hostTag,
      clients: sum(live.filter((one) => one.hostTag === hostTag).map((one) => one.clients)),
      connections: sum(own.map((one) => one.connections)),
      handshakes: sum([...(counts.handshakes.get(hostTag)?.values() ?? [])].map((kind) => kind.count)),
      ...bytes(own),
    }
  })
  return { listeners, hosts }
}
