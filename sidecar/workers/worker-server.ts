import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { createServer, type Server } from '../compose.ts'
import { Counts } from '../control/admin/counts.ts'
import { EventLoopDelay } from '../control/admin/event-loop-delay.ts'
import { CLIENT_CLOSED, clientFields } from '../control/client-line.ts'
import type { LineWriter } from '../control/line-writer.ts'
import { listenerLine } from '../control/listener-line.ts'
import { createLog } from '../control/logger.ts'
import { blame, causeOf } from '../engine/defects.ts'
import type { EngineObserver } from '../engine/ports.ts'
import type { Channel } from './channel.ts'
import { LeasedLimits } from './leased-limits.ts'
import { withoutSharedLimits } from './limits.ts'
import type { SupervisorMethods, WorkerMethods, WorkerSetup, WorkerView } from './protocol.ts'

/** Milliseconds between two tellings of what was counted. */
const TELL_MS = 1_000
/** Turns of 10 ms that the last lines of the log are waited for at the most, and milliseconds to write them. */
const LAST = { turns: 50, flushMs: 1_000 } as const

/** What a worker has of the process it runs in. */
export interface WorkerSurroundings {
  readonly supervisor: Channel<SupervisorMethods>
  readonly writer: LineWriter
  /** From this call on an exception that reaches nobody does not end the process but is told to `listener`. */
  readonly onDefect: (listener: (defect: unknown) => void) => void
  readonly exit: () => void
}

/** The server of one worker, as its supervisor asks of it. */
export function createWorkerServer({ supervisor, writer, onDefect, exit }: WorkerSurroundings): WorkerMethods {
  const counts = new Counts()
  const eventLoop = new EventLoopDelay()
  const limits = new LeasedLimits(supervisor)
  let made: Server | undefined
  let running: WorkerSetup['manifest'] | undefined
  let isClosing = false
  const server = () => {
    if (made === undefined) throw new Error('the worker was not started')
    return made
  }

  const create = (setup: WorkerSetup): Server => {
    const log = createLog(setup.logFormat, writer, systemClock)
    const observer: EngineObserver = {
      clientOpened: (listener) => counts.clientOpened(listener),
      handshakeDone: (listener, hostTag, facts, milliseconds) =>
        counts.handshakeDone(listener, hostTag, facts, milliseconds),
      clientClosed(record) {
        counts.clientClosed(record)
        log(record.reason === 'HandlerFailed' ? 'error' : 'info', CLIENT_CLOSED, clientFields(record))
      },
      listenerChanged(state) {
        if (setup.isSpokesman) listenerLine(log, state, isClosing)
      },
    }
    onDefect((defect) => {
      counts.defects += 1
      log('error', 'defect', { error: causeOf(defect) })
      blame(defect)
    })
    return createServer({
      manifest: withoutSharedLimits(setup.manifest),
      secretsDir: setup.secretsDir,
      configMapsDir: setup.configMapsDir,
      selfSigned: setup.selfSigned,
      log,
      certificateLog: setup.isSpokesman ? log : silentLog,
      clock: systemClock,
      observer,
      sharing: { limits, clientIdPrefix: `c-${setup.incarnation.toString(36)}-` },
    })
  }
  const view = (): WorkerView => {
    const { user, system } = process.cpuUsage()
    return {
      listenStates: server().listenStates(),
      backends: server().backends(),
      liveTraffic: server().liveTraffic(),
      clientCount: server().clientCount,
      counts: counts.snapshot(),
      droppedLines: writer.dropped,
      eventLoop: eventLoop.counts,
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
    }
  }

  return {
    async start(setup) {
      made = create(setup)
      running = setup.manifest
      made.useTicketSecrets(setup.ticketSecrets.map((secret) => Buffer.from(secret)))
      const adopted = limits.configure(setup.manifest.spec)
      await made.start()
      limits.settle()
      setInterval(() => supervisor.tell('counted', counts.snapshot()), TELL_MS).unref()
      return adopted
    },
    async apply(manifest) {
      const adopted = limits.configure(manifest.spec)
      try {
        await server().apply(withoutSharedLimits(manifest))
      } catch (error) {
        if (running) limits.configure(running.spec)
        throw error
      }
      running = manifest
      limits.settle()
      return adopted
    },
    recall: (limit) => limits.recall(limit),
    view,
    hosts: () => ({
      hosts: server().hosts(),
      certificates: server().certificates(),
      unresolved: server().unresolved(),
    }),
    clients: () => server().clients(),
    disconnectAll: (clientIds) => server().disconnectAll(clientIds),
    useTicketSecrets: (secrets) => server().useTicketSecrets(secrets.map((secret) => Buffer.from(secret))),
    recheck: () => server().recheck(),
    close() {
      isClosing = true
      return server().close()
    },
    drain(milliseconds) {
      isClosing = true
      return server().drain(milliseconds)
    },
    async abort() {
      isClosing = true
      made?.abort()
      for (let turn = 0; (made?.clientCount ?? 0) > 0 && turn < LAST.turns; turn += 1) await setTimeout(10)
      await writer.flush(LAST.flushMs)
      exit()
    },
  } satisfies WorkerMethods
}
