import { readdir, readFile } from 'node:fs/promises'
import { type Exit, startChild } from './child.ts'
import { within } from './deadline.ts'
import { collectOutput, type EngineOutput, type LogLine } from './engine-output.ts'
import { eventually } from './eventually.ts'
import { type Metrics, parseMetrics } from './metrics.ts'
import { freePort } from './ports.ts'
import { commandLine, engineRuntime, repository } from './runtime.ts'
import { createWorkspace } from './workspace.ts'

/** How to start the engine. */
export interface EngineOptions {
  /** An object is written as JSON, which is YAML too. */
  readonly manifest: object | string
  /** What `-f` names instead of the file with the manifest above. */
  readonly path?: string
  /** Default: an empty directory. */
  readonly secrets?: string
  /** Default: an empty directory. */
  readonly configMaps?: string
  /** More arguments behind those that are always given. */
  readonly args?: readonly string[]
  /** Program and first arguments that run the command; default: the command of the checkout. */
  readonly command?: readonly [string, ...string[]]
  /** Default: `ENGINE_RUNTIME`. */
  readonly runtime?: 'node' | 'bun'
  readonly env?: Readonly<Record<string, string>>
  /** Open files the process may have; default: as many as the tests themselves. */
  readonly openFiles?: number
  /** Lines of the output that are kept; default: all. */
  readonly keepLines?: number
  /** When the engine counts as started: `/readyz` (the default) or `/livez` answers 200, or a line of the log fits. */
  readonly ready?: 'readyz' | 'livez' | ((line: LogLine) => boolean)
  /** Time for that, 15 s. */
  readonly readyWithinMs?: number
}

/** What `/status` answers, as far as tests read it. */
export interface EngineStatus {
  readonly name: string
  readonly namespace: string
  readonly generation: number
  readonly configHash: string
  readonly ready: boolean
  readonly configurationError: string
  readonly clients: number
  readonly listeners: readonly Readonly<Record<string, unknown>>[]
  readonly icsHosts: readonly Readonly<Record<string, unknown>>[]
}

/** The real command in a process of its own. Disposing kills it, and throws when it had ended by itself. */
export interface EngineProcess extends EngineOutput, AsyncDisposable {
  readonly pid: number
  ended(): boolean
  /** For example `http://127.0.0.1:15123`. */
  readonly adminUrl: string
  /** The manifest file it was started with. */
  readonly manifestPath: string
  /** Its `XDG_RUNTIME_DIR`, below which the default control socket lies. */
  readonly runtimeDir: string
  /** Replaces the manifest file the engine was started with, in one step. */
  writeManifest(manifest: object | string): Promise<void>
  /** Status code and body of a path on the admin address. */
  admin(path: string): Promise<{ readonly code: number; readonly body: string }>
  status(): Promise<EngineStatus>
  metrics(): Promise<Metrics>
  /** Resident memory in bytes. */
  residentBytes(): Promise<number>
  /** Seconds of processor time spent so far. */
  cpuSeconds(): Promise<number>
  /** Number of open file descriptors. */
  openDescriptors(): Promise<number>
  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void
  /** Sends the signal (SIGTERM) and waits for the end; kills and rejects after `withinMs` (10 s). */
  stop(signal?: NodeJS.Signals, withinMs?: number): Promise<Exit>
  /** Resolves when the process ends by itself, which is then no failure. */
  exit(withinMs?: number): Promise<Exit>
}

/** Engines of the test that runs, for `wire-setup.ts`. */
export const startedEngines = new Set<EngineProcess>()

/** Starts the engine and waits until it is ready. When it is not, the error shows all it wrote. */
export async function startEngine(options: EngineOptions): Promise<EngineProcess> {
  const workspace = await createWorkspace()
  await workspace.writeManifest(options.manifest)
  const adminPort = await freePort()
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const directories = [
    ...['--secrets', options.secrets ?? workspace.secrets],
    ...['--configmaps', options.configMaps ?? workspace.configMaps],
  ]
  const [program, ...first] = options.command ?? commandLine(options.runtime ?? engineRuntime)
  const started: readonly [string, ...string[]] =
    options.openFiles === undefined
      ? [program, ...first]
      : ['/bin/sh', '-c', `ulimit -n ${options.openFiles} && exec "$@"`, 'limited', program, ...first]
  const child = await startChild(
    [
      ...started,
      ...['serve', '-f', options.path ?? workspace.manifest, ...directories],
      ...['--admin', `127.0.0.1:${adminPort}`, '--log', 'json', ...(options.args ?? [])],
    ],
    // The default control socket of each engine lies apart from those of all others.
    { cwd: repository, env: { ...process.env, XDG_RUNTIME_DIR: workspace.path, ...options.env } },
  )
  const { stdout, stderr } = child.process
  if (stdout === null || stderr === null) throw new Error('the pipes of the engine are missing')
  const output = collectOutput([stdout, stderr], child.exited, options.keepLines)
  let mayEnd = false

  const admin = async (path: string) => {
    const response = await fetch(adminUrl + path, { headers: { connection: 'close' } })
    return { code: response.status, body: await response.text() }
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM', withinMs = 10_000) => {
    mayEnd = true
    child.process.kill(signal)
    try {
      return await within(withinMs, `the engine's end after ${signal}`, child.exited)
    } finally {
      child.process.kill('SIGKILL')
    }
  }
  const engine: EngineProcess = {
    ...output,
    pid: child.pid,
    ended: () => child.exit() !== undefined,
    adminUrl,
    manifestPath: workspace.manifest,
    runtimeDir: options.env?.['XDG_RUNTIME_DIR'] ?? workspace.path,
    writeManifest: workspace.writeManifest,
    admin,
    status: async () => JSON.parse((await admin('/status')).body) as EngineStatus,
    metrics: async () => parseMetrics((await admin('/metrics')).body),
    async residentBytes() {
      const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8')) ?? []
      return Number(kilobytes) * 1024
    },
    async cpuSeconds() {
      // The name of the program, in parentheses, may hold anything; utime and stime are 14 and 15 of proc(5), in hundredths.
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).replace(/^.*\)/s, '').trim().split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    openDescriptors: async () => (await readdir(`/proc/${child.pid}/fd`)).length,
    signal(signal) {
      if (signal !== 'SIGHUP') mayEnd = true
      child.process.kill(signal)
    },
    stop,
    async exit(withinMs = 10_000) {
      mayEnd = true
      return await within(withinMs, "the engine's end", child.exited)
    },
    async [Symbol.asyncDispose]() {
      const exit = child.exit()
      if (exit === undefined) await stop('SIGKILL')
      await workspace[Symbol.asyncDispose]()
      if (exit !== undefined && !mayEnd) {
        throw new Error(`the engine ended by itself with ${JSON.stringify(exit)}:\n${output.text()}`)
      }
    },
  }
  startedEngines.add(engine)

  const { ready = 'readyz', readyWithinMs = 15_000 } = options
  const answers = () =>
    eventually(
      async () => {
        // An engine that ended will never answer; the race below tells it at once.
        if (child.exit() !== undefined) return
        const { code, body } = await admin(`/${ready}`)
        if (code !== 200) throw new Error(`/${ready} answers ${code}: ${body}`)
      },
      { withinMs: readyWithinMs },
    )
  const becomesReady = async () => {
    if (typeof ready === 'function') return void (await output.waitForLog(ready, readyWithinMs))
    await answers()
    // The log comes in batches, of either format: what was told at the start is here when this line is.
    const isTold = () => {
      if (child.exit() === undefined && !output.text().includes('server started'))
        throw new Error('no line of the start')
    }
    if (ready === 'readyz') await eventually(isTold, { withinMs: readyWithinMs })
  }
  const isReady = becomesReady()
  try {
    const ended = child.exited.then((exit) => {
      throw new Error(`it ended with ${JSON.stringify(exit)}`)
    })
    await Promise.race([isReady, ended])
    return engine
  } catch (cause) {
    startedEngines.delete(engine)
    mayEnd = true
    await engine[Symbol.asyncDispose]()
    throw new Error(`the engine did not become ready: ${cause}\n${output.text()}`, { cause })
  }
}
