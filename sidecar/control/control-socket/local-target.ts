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
  /** Brings what is seen up to date, where other processes serve. */
  refresh?(): Promise<void>
  clients(): readonly ClientState[] | Promise<readonly ClientState[]>
  disconnectAll(clientIds: readonly string[]): readonly string[] | Promise<readonly string[]>
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
      await server.refresh?.()
      const listeners = server.listenStates()
      const listenAllOk = listeners.every((one) => one.state === 'Listening')
      return { ...nameOf(), listenAllOk, stopping: isStopping(), clients: server.clientCount, listeners }
    },

    async clients(filter) {
      await server.refresh?.()
      const known = {
        listeners: server.listenStates().map(({ name }) => name),
        hosts: server.hosts().map(({ hostTag }) => hostTag),
      }
      return filterClients(await server.clients(), filter, known).map(clientReport)
    },

    async disconnect(clientIds) {
      const closed = new Set(await server.disconnectAll(clientIds))
      const asked = [...new Set(clientIds)]
      const disconnected = asked.filter((id) => closed.has(id))
      const notFound = asked.filter((id) => !closed.has(id))
      if (disconnected.length > 0) log('info', 'clients disconnected on request', { clients: disconnected.join(' ') })
      return { disconnected, notFound }
    },

    async certs() {
      await server.refresh?.()
      return { hosts: server.certificates() }
    },

    async recheck() {
      await server.refresh?.()
      const before = server.certificates()
      await server.recheck()
      await server.refresh?.()
      const hosts = server.certificates()
      log('info', 'certificates rechecked', { cause: 'command' })
      return { hosts, changes: certificateChanges(before, hosts) }
    },

    async drain() {
      await server.refresh?.()
      const begun = !isStopping()
      const clients = server.clientCount
      if (begun) options.stop()
      return { begun, clients, drainSeconds: options.drainSeconds() }
    },

    async totals() {
      await server.refresh?.()
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

/** Adds up numbers under a key. */
class Sums extends Map<string, number> {
  add(key: string, value: number): void {
    this.set(key, this.of(key) + value)
  }

  of(key: string): number {
    return this.get(key) ?? 0
  }
}

/** One pass over all there is: a manifest may have 64 listeners and 512 hosts, and `top` asks every second. */
function totalsOf(server: ControlledServer, counts: Counts): Pick<TotalsReport, 'listeners' | 'hosts'> {
  const live = server.liveTraffic()
  const [clients, connections, handshakes] = [new Sums(), new Sums(), new Sums()]
  const bytes = { listener: [new Sums(), new Sums()], hostTag: [new Sums(), new Sums()] } as const
  for (const one of live) clients.add(one.hostTag, one.clients)
  for (const one of trafficOf(counts, live, [])) {
    connections.add(one.hostTag, one.connections)
    for (const by of ['listener', 'hostTag'] as const) {
      bytes[by][0].add(one[by], one.receivedBytes)
      bytes[by][1].add(one[by], one.sentBytes)
    }
  }
  for (const [hostTag, kinds] of counts.handshakes)
    for (const { count } of kinds.values()) handshakes.add(hostTag, count)
  const bytesOf = (by: keyof typeof bytes, key: string) => ({
    receivedBytes: bytes[by][0].of(key),
    sentBytes: bytes[by][1].of(key),
  })
  return {
    listeners: server.listenStates().map(({ name, clients: connected }): Totals => {
      const { accepted, handshakeCount } = counts.of(name)
      return {
        name,
        clients: connected,
        connections: accepted,
        handshakes: handshakeCount,
        ...bytesOf('listener', name),
      }
    }),
    hosts: server.hosts().map(({ hostTag }): Totals => {
      return {
        name: hostTag,
        clients: clients.of(hostTag),
        connections: connections.of(hostTag),
        handshakes: handshakes.of(hostTag),
        ...bytesOf('hostTag', hostTag),
      }
    }),
  }
}
