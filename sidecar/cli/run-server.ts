import { setTimeout } from 'node:timers/promises'
import { RECHECK_ANNOTATION, type SocketServer } from '../../crds/index.ts'
import { systemClock } from '../base/clock.ts'
import { letHeapGrow } from '../base/heap-growth.ts'
import type { Log } from '../base/log.ts'
import { programVersion } from '../base/program-files.ts'
import { createServer } from '../compose.ts'
import { Counts } from '../control/admin/counts.ts'
import { EventLoopDelay } from '../control/admin/event-loop-delay.ts'
import { createMetrics } from '../control/admin/metrics.ts'
import { judgeReadiness, type Readiness } from '../control/admin/readiness.ts'
import { type AdminAddress, openAdminServer } from '../control/admin/server.ts'
import { reportStatus } from '../control/admin/status-report.ts'
import { CLIENT_CLOSED, clientFields } from '../control/client-line.ts'
import { ManifestWatch } from '../control/config/watch.ts'
import { createLocalTarget } from '../control/control-socket/local-target.ts'
import { type Control, type ControlPlace, openControl } from '../control/control-socket/open-control.ts'
import { identityOf } from '../control/identity.ts'
import { listenerLine } from '../control/listener-line.ts'
import type { LogFormat } from '../control/log-line.ts'
import { createLog } from '../control/logger.ts'
import type { ServerView } from '../control/server-view.ts'
import { TicketKeys } from '../control/ticket-keys.ts'
import { blame, causeOf } from '../engine/defects.ts'
import type { EngineObserver, ListenState } from '../engine/ports.ts'
import { WorkerPool } from '../workers/worker-pool.ts'
import type { Directories } from './serve-options.ts'
import { createStop } from './stop.ts'
import { hostLines, listenStateLines } from './summary.ts'
import type { Terminal } from './terminal.ts'

/** A server that runs, as who started it sees it. */
interface StartedServer extends ServerView {
  /** Path of the throwaway CA certificate; undefined when none was made. */
  readonly selfSignedCa: string | undefined
}

/** What is to be served, and how it is told. */
export interface RunOptions extends Directories {
  readonly manifest: SocketServer
  readonly selfSigned: boolean
  readonly logFormat: LogFormat
  /** Undefined: no admin surface. */
  readonly admin: AdminAddress | undefined
  readonly control: ControlPlace
  /** The path the manifest was taken from, and its text; undefined when it does not lie on disk. */
  readonly source: { readonly path: string; readonly text: string } | undefined
  /** Directory with the secrets of session tickets; undefined: a secret of this process alone. */
  readonly ticketKeysDir: string | undefined
  /** Processes that serve; 1 is this one. */
  readonly workers: number
  /** Seconds that accepting goes on after SIGTERM, while readiness fails already. */
  readonly preStopSeconds: number
  /** Writes the listeners' states and the hosts once the server has started. */
  readonly summary: ((text: string) => void) | undefined
  /** Called once the server has started. */
  readonly started?: (server: StartedServer, log: Log) => void | Promise<void>
}

/** A person at a terminal waits less than a rollout does. */
const MOST_DRAIN_MS = { SIGINT: 5_000, SIGTERM: Number.POSITIVE_INFINITY } as const

/** Turns of 10 ms that the last lines of the log are waited for at the most. */
const LAST_TURNS = 50

/**
 * Serves until a signal comes: the whole life of a server in one process. Resolves with the exit code.
 *
 * @throws SocketServerError when it cannot start
 */
export const runServer = async (options: RunOptions, terminal: Terminal): Promise<number> => {
  const log = createLog(options.logFormat, terminal.err, systemClock)
  const counts = new Counts()
  const eventLoop = new EventLoopDelay()
  const stop = createStop(terminal, systemClock)
  let hasStarted = false

  const logListener = (state: ListenState): void => {
    // The summary tells the ones that listen at the start.
    if (state.state === 'Listening' && !hasStarted && options.summary !== undefined) return
    listenerLine(log, state, stop.signal() !== undefined)
  }
  const observer: EngineObserver = {
    clientOpened: (listener) => counts.clientOpened(listener),
    handshakeDone: (listener, hostTag, facts, milliseconds) =>
      counts.handshakeDone(listener, hostTag, facts, milliseconds),
    clientClosed(record) {
      counts.clientClosed(record)
      log(record.reason === 'HandlerFailed' ? 'error' : 'info', CLIENT_CLOSED, clientFields(record))
    },
    listenerChanged: logListener,
  }

  const { manifest, secretsDir, configMapsDir, selfSigned, logFormat, workers } = options
  const common = { manifest, secretsDir, configMapsDir, selfSigned, log, clock: systemClock }
  // With workers the counts are theirs, gathered anew with every refresh; the rest is kept apart.
  const past = new Counts()
  const pool =
    workers > 1
      ? new WorkerPool({ ...common, workers, logFormat, counts, wrote: (lines) => terminal.err.write(lines) }, past)
      : undefined
  const server = pool ?? createServer({ ...common, observer })
  const refresh = async () => pool?.refresh()
  let watch: ManifestWatch | undefined
  const running = () => watch?.running ?? options.manifest
  const identity = () => identityOf(running())
  const recheckAsked = () => running().metadata.annotations?.[RECHECK_ANNOTATION] ?? ''
  let rechecked = recheckAsked()
  const readiness = (): Readiness =>
    hasStarted
      ? judgeReadiness({
          bindPolicy: running().spec.bindPolicy,
          listeners: server.listenStates(),
          configuration: watch?.problem,
          stopping: stop.signal() !== undefined,
        })
      : { ready: false, lines: ['the server is starting'] }
  const isReady = () => readiness().ready
  const registry = createMetrics({
    counts,
    view: server,
    identity,
    version: programVersion(),
    isReady,
    isCurrent: () => watch?.problem === undefined,
    droppedLines: () => terminal.err.dropped + (pool?.droppedLines ?? 0),
    eventLoop: () => pool?.eventLoop(eventLoop.counts) ?? eventLoop.counts,
    workers: () => pool?.facts() ?? { workers: [], restarts: 0 },
  })
  const pages = {
    readiness: async () => {
      await refresh()
      return readiness()
    },
    metrics: async () => {
      await refresh()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
    status: async () => {
      await refresh()
      return reportStatus(identity(), isReady(), server, {
        configurationError: watch?.problem ?? '',
        recheck: rechecked,
      })
    },
  }
  const tellAdminError = (error: unknown) => log('error', 'admin request failed', { error })
  const admin = options.admin === undefined ? undefined : await openAdminServer(options.admin, pages, tellAdminError)
  // Nothing else keeps the process alive while no listener could be opened yet and there is no admin surface.
  const alive = setInterval(() => {}, 60_000)
  const endHeapGrowth = letHeapGrow()
  let control: Control | undefined
  let ticketKeys: TicketKeys | undefined
  try {
    const target = createLocalTarget({
      server,
      counts,
      identity,
      drainSeconds: () => running().spec.timeouts.drainSeconds,
      isStopping: () => stop.signal() !== undefined,
      stop: () => stop.request('SIGTERM'),
      log,
    })
    control = await openControl(options.control, identity().name, target, log)
    if (options.ticketKeysDir !== undefined) {
      if (process.versions['bun'] !== undefined)
        log('warn', 'session ticket keys have no effect: the TLS server of Bun ignores the option ticketKeys')
      ticketKeys = await TicketKeys.open({
        directory: options.ticketKeysDir,
        use: (secrets) => server.useTicketSecrets(secrets),
        log,
        clock: systemClock,
      })
    }
    await server.start()
    hasStarted = true
    // Up to here an exception ends the process: a server that cannot start must not look like one that runs.
    terminal.onDefect((defect) => {
      ;(pool ? past : counts).defects += 1
      log('error', 'defect', { error: causeOf(defect) })
      blame(defect)
    })
    if (server.selfSignedCa !== undefined) {
      log(
        'warn',
        'throwaway certificates are served, for development only: whoever reads the CA file can check them, nobody else can trust them',
        {
          ca: server.selfSignedCa,
        },
      )
    }
    const states = server.listenStates()
    options.summary?.([...listenStateLines(states), ...hostLines(options.manifest, server), ''].join('\n'))
    log('info', 'server started', {
      name: identity().name,
      namespace: identity().namespace || undefined,
      configHash: identity().configHash,
      listening: states.filter((one) => one.state === 'Listening').length,
      listeners: states.length,
      hosts: server.hosts().length,
      admin: admin === undefined || options.admin === undefined ? 'none' : `${options.admin.address}:${admin.port}`,
      control: control?.path ?? 'none',
    })
    await options.started?.(server, log)
    if (options.source)
      watch = new ManifestWatch({
        ...options.source,
        manifest: options.manifest,
        apply: (manifest) => server.apply(manifest),
        judged(outcome) {
          counts.judged(outcome, systemClock.now())
          const asked = recheckAsked()
          if (asked === rechecked) return
          server.recheck().then(
            () => {
              rechecked = asked
              log('info', 'certificates rechecked', { cause: RECHECK_ANNOTATION, value: asked })
            },
            (error: unknown) => log('error', 'recheck failed', { error }),
          )
        },
        log,
      })

    stop.onRecheck(() => {
      watch?.recheck()
      server.recheck().then(
        () => log('info', 'certificates rechecked', { cause: 'SIGHUP' }),
        (error: unknown) => log('error', 'recheck failed', { error }),
      )
    })
    const signal = await stop.requested
    await refresh()
    log('info', 'server stopping', { signal, clients: server.clientCount })
    const preStopMs = signal === 'SIGTERM' ? options.preStopSeconds * 1000 : 0
    if (preStopMs > 0) await Promise.race([setTimeout(preStopMs), stop.repeated])
    watch?.close()
    const drained = server.drain(Math.min(running().spec.timeouts.drainSeconds * 1000, MOST_DRAIN_MS[signal]))
    await Promise.race([drained, stop.repeated])
    server.abort()
    // A client has its line of the log when its socket is gone, which takes a turn of the loop or two.
    if (pool) await pool.gone()
    else for (let turn = 0; server.clientCount > 0 && turn < LAST_TURNS; turn += 1) await setTimeout(10)
    log('info', 'server stopped')
    return 0
  } catch (error) {
    server.abort()
    await pool?.gone()
    throw error
  } finally {
    watch?.close()
    ticketKeys?.close()
    eventLoop.close()
    clearInterval(alive)
    endHeapGrowth()
    admin?.close()
    await control?.close()
  }
}
