import { runLoad, startLoad } from './load.ts'
import { cpuSeconds, memoryBytes } from './server-cost.ts'

/** A running server under measurement. */
export interface Subject {
  readonly pid: number
  readonly port: number
  /** The core of the load and of the backend. */
  readonly loadCore: number
  /** 1 for the numbers of a full run; smaller for a quick one. */
  readonly scale: number
  /** Clients of the column `idle`. */
  readonly idleClients: number
}

/** What is measured, one column of the table. */
export interface Column {
  readonly id: string
  readonly title: string
  readonly unit: string
  /** Digits behind the point in the table. */
  readonly digits: number
  /** Whether a greater value is the better one. */
  readonly isMoreBetter: boolean
  /** Whether a server that was measured so is another one afterwards, so that nothing else can be measured of it. */
  readonly leavesTraces?: boolean
  /** What the server does before the first slice, so that its compilers have seen what is measured. */
  readonly prepare?: (subject: Subject) => Promise<unknown>
  /**
   * In how many slices it is measured, all contestants in turn in each: what else the machine does comes and goes within
   * seconds, and shall befall all of them alike.
   */
  readonly slices: number
  /** Measures one slice. @throws when the load did not do what it should. */
  readonly measure: (subject: Subject) => Promise<number>
}

/** Of one slice, as the numbers below. */
const VISITS = 1_000
/**
 * Handshakes before the first that is measured: a server serves for months, and the compilers of a runtime are at work for
 * as many as this, in each process anew. With two workers each has half of them.
 */
const VISITS_BEFORE = 30_000
/** A resumed handshake shares most of its path with the full ones that were measured before. */
const RESUMED_BEFORE = 5_000
const VISITORS = 16
const REQUESTS = 15_000
const REQUESTS_BEFORE = 5_000
const REQUEST_CONNECTIONS = 8
const DOWNLOAD_BYTES = 512 * 1024 ** 2
const BYTES_BEFORE = 100 * 1024 ** 2
const DOWNLOAD_CONNECTIONS = 2
/** Handshakes a second of the flood: a third to a half of what one core of the slowest contestant can do. */
const FLOOD_PER_SECOND = 400
const PROBE_SECONDS = 3
const VISITS_AMID = 1_000
const PROBE_EVERY_MS = 2

const scaled = (count: number, { scale }: Subject) => Math.max(Math.round(count * scale), 50)

const visit = (subject: Subject, visits: number, isResuming: boolean) =>
  runLoad(
    { kind: 'visits', port: subject.port, count: scaled(visits, subject), concurrency: VISITORS, isResuming },
    subject.loadCore,
  )

async function microsecondsPerVisit(subject: Subject, isResuming: boolean): Promise<number> {
  const before = cpuSeconds(subject.pid)
  const { done, failed, resumed } = await visit(subject, VISITS, isResuming)
  const spent = cpuSeconds(subject.pid) - before
  const count = done + failed
  if (failed > count / 100) throw new Error(`${failed} of ${count} visits failed`)
  // The first of each lane has no ticket yet.
  if (isResuming && resumed < 0.9 * (count - VISITORS)) throw new Error(`only ${resumed} of ${count} were resumed`)
  return (spent * 1e6) / done
}

const request = (subject: Subject, requests: number) =>
  runLoad(
    { kind: 'requests', port: subject.port, count: scaled(requests, subject), connections: REQUEST_CONNECTIONS },
    subject.loadCore,
  )

async function microsecondsPerRequest(subject: Subject): Promise<number> {
  const before = cpuSeconds(subject.pid)
  const { done, failed } = await request(subject, REQUESTS)
  if (failed > 0) throw new Error(`${failed} of ${REQUEST_CONNECTIONS} connections broke`)
  return ((cpuSeconds(subject.pid) - before) * 1e6) / done
}

const download = (subject: Subject, bytes: number) =>
  runLoad(
    { kind: 'download', port: subject.port, bytes: scaled(bytes, subject), connections: DOWNLOAD_CONNECTIONS },
    subject.loadCore,
  )

async function gigabytesPerCpuSecond(subject: Subject): Promise<number> {
  const before = cpuSeconds(subject.pid)
  const { done, failed } = await download(subject, DOWNLOAD_BYTES)
  if (failed > 0) throw new Error(`${failed} of ${DOWNLOAD_CONNECTIONS} connections broke`)
  return done / 1e9 / (cpuSeconds(subject.pid) - before)
}

async function kilobytesPerIdleClient(subject: Subject): Promise<number> {
  const { port, loadCore, idleClients: count } = subject
  await runLoad({ kind: 'visits', port, count: 200, concurrency: VISITORS, isResuming: false }, loadCore)
  const before = memoryBytes(subject.pid)
  const load = startLoad({ kind: 'hold', port, count, concurrency: 64 }, loadCore)
  try {
    const { done, failed } = await load.done
    if (failed > count / 100) throw new Error(`${failed} of ${count} clients failed`)
    // What the handshakes left over is collected when nothing happens; clients that stay are what is measured.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    return (memoryBytes(subject.pid) - before) / 1024 / done
  } finally {
    await load.release()
  }
}

async function p99OfARequestAmidHandshakes(subject: Subject): Promise<number> {
  const { port, loadCore } = subject
  const flood = startLoad({ kind: 'flood', port, perSecond: FLOOD_PER_SECOND }, loadCore, 10)
  try {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const seconds = Math.max(PROBE_SECONDS * subject.scale, 1)
    const { p99Ms } = await runLoad({ kind: 'probe', port, seconds, everyMs: PROBE_EVERY_MS }, loadCore)
    if (p99Ms === undefined || Number.isNaN(p99Ms)) throw new Error('the probe got no answer')
    return p99Ms
  } finally {
    await flood.release()
  }
}

/**
 * Every column, in the order in which it is measured. Memory has a server for itself: it shall have used none before, and
 * what thousands of clients that are gone leave in a heap would be paid for by the handshakes behind them.
 */
export const COLUMNS: readonly Column[] = [
  {
    id: 'idle',
    title: 'memory per idle client',
    unit: 'KB',
    digits: 1,
    isMoreBetter: false,
    leavesTraces: true,
    slices: 1,
    measure: kilobytesPerIdleClient,
  },
  {
    id: 'full',
    title: 'CPU per full handshake, with connect and close',
    unit: 'µs',
    digits: 0,
    isMoreBetter: false,
    slices: 8,
    prepare: (subject) => visit(subject, VISITS_BEFORE, false),
    measure: (subject) => microsecondsPerVisit(subject, false),
  },
  {
    id: 'resumed',
    title: 'CPU per resumed handshake, with connect and close',
    unit: 'µs',
    digits: 0,
    isMoreBetter: false,
    slices: 8,
    prepare: (subject) => visit(subject, RESUMED_BEFORE, true),
    measure: (subject) => microsecondsPerVisit(subject, true),
  },
  {
    id: 'request',
    title: 'CPU per small request',
    unit: 'µs',
    digits: 1,
    isMoreBetter: false,
    slices: 4,
    prepare: (subject) => request(subject, REQUESTS_BEFORE),
    measure: microsecondsPerRequest,
  },
  {
    id: 'bytes',
    title: 'bytes per CPU-second',
    unit: 'GB',
    digits: 2,
    isMoreBetter: true,
    slices: 4,
    prepare: (subject) => download(subject, BYTES_BEFORE),
    measure: gigabytesPerCpuSecond,
  },
  {
    id: 'p99',
    title: 'p99 of a request amid handshakes',
    unit: 'ms',
    digits: 2,
    isMoreBetter: false,
    slices: 4,
    prepare: (subject) => visit(subject, VISITS_AMID, false),
    measure: p99OfARequestAmidHandshakes,
  },
]
