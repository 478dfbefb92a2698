import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { freePort } from '../support/ports.ts'
import type { Column, Subject } from './columns.ts'
import type { Contestant, Place } from './contestants.ts'
import { median } from './median.ts'
import { onCore, type Pinned } from './pinned.ts'

/** One value that was measured, or why it was not. */
export interface Measurement {
  readonly contestant: string
  readonly column: string
  readonly round: number
  readonly value: number | undefined
  /** Why there is no value; empty when there is one. */
  readonly problem: string
}

/** What a round needs. */
export interface RoundOptions extends Pick<Subject, 'loadCore' | 'scale' | 'idleClients'> {
  readonly serverCore: number
  readonly round: number
  readonly root: string
  readonly place: Omit<Place, 'directory' | 'port'>
  readonly columns: readonly Column[]
  readonly progress: (text: string) => void
}

const START_MS = 15_000

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A process of the bench. */
export interface Running {
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a program and waits until its port answers. Its output goes to a file. */
export async function startProgram(command: Pinned, port: number, logFile: string): Promise<Running> {
  const log = openSync(logFile, 'w')
  const [file, ...args] = command
  const child = spawn(file, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  let problem: string | undefined
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      problem = error.message
      resolve()
    })
    child.once('exit', (code, signal) => {
      problem ??= `it ended with ${code ?? signal}: ${readFileSync(logFile, 'utf8').slice(-400).trim()}`
      resolve()
    })
  })
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 1_000)
    await gone
    clearTimeout(timer)
  }
  const end = performance.now() + START_MS
  while (!(await canConnect(port))) {
    if (problem === undefined && performance.now() > end) problem = 'it does not listen'
    if (problem !== undefined) {
      await stop()
      throw new Error(problem)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { pid: child.pid as number, stop }
}

/**
 * One round: every contestant is started, then each column is measured of all of them, slice by slice, so that
 * what befalls the machine befalls all of them alike; the median of the slices is told. Never rejects: what cannot be
 * measured is told as a problem.
 */
export async function measureRound(
  contestants: readonly Contestant[],
  options: RoundOptions,
): Promise<readonly Measurement[]> {
  const { columns } = options
  const alone = columns.filter((column) => column.leavesTraces).map((column) => [column])
  const together = columns.filter((column) => !column.leavesTraces)
  const measurements: Measurement[] = []
  for (const group of [...alone, together])
    if (group.length > 0) measurements.push(...(await measureColumns(contestants, group, options)))
  return measurements
}

/** Measures columns of servers that are started for them. */
async function measureColumns(
  contestants: readonly Contestant[],
  columns: readonly Column[],
  options: RoundOptions,
): Promise<readonly Measurement[]> {
  const { progress, round, loadCore, scale, idleClients } = options
  const measurements: Measurement[] = []
  const tell = (contestant: Contestant, column: Column, value: number | undefined, problem: string) => {
    const shown = value === undefined ? problem : `${value.toFixed(column.digits)} ${column.unit}`
    progress(`round ${round}, ${column.title}, ${contestant.title}: ${shown}`)
    measurements.push({ contestant: contestant.id, column: column.id, round, value, problem })
  }
  const started: { readonly contestant: Contestant; readonly server: Running; readonly port: number }[] = []
  try {
    for (const contestant of contestants)
      try {
        started.push({ contestant, ...(await startContestant(contestant, options)) })
      } catch (error) {
        for (const column of columns) tell(contestant, column, undefined, `cannot be started: ${textOf(error)}`)
      }
    for (const column of columns) {
      const attempts = started.map(({ contestant, server, port }) => {
        const subject: Subject = { pid: server.pid, port, loadCore, scale, idleClients }
        return { contestant, subject, values: [] as number[], problem: '' }
      })
      // One that failed is left out from there on.
      const inTurn = async (act: (attempt: (typeof attempts)[number]) => Promise<unknown>) => {
        for (const attempt of attempts)
          if (attempt.problem === '')
            await act(attempt).catch((error: unknown) => {
              attempt.problem = textOf(error)
            })
      }
      const { prepare } = column
      if (prepare)
        await inTurn(({ contestant, subject }) => {
          progress(`round ${round}, ${column.title}, ${contestant.title}: warming up`)
          return prepare(subject)
        })
      for (let slice = 0; slice < column.slices; slice += 1)
        await inTurn(async ({ subject, values }) => values.push(await column.measure(subject)))
      for (const { contestant, values, problem } of attempts)
        tell(contestant, column, problem === '' ? median(values) : undefined, problem)
    }
  } finally {
    for (const { server } of started) await server.stop()
  }
  return measurements
}

async function startContestant(contestant: Contestant, options: RoundOptions) {
  const port = await freePort()
  const directory = join(options.root, `${contestant.id}-${options.round}-${port}`)
  mkdirSync(directory)
  const place = { ...options.place, port, directory }
  const command = onCore(options.serverCore, contestant.command(place))
  return { port: place.port, server: await startProgram(command, place.port, join(directory, 'output')) }
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
