import { setTimeout as sleep } from 'node:timers/promises'
import { parseMetrics } from '../../support/metrics.ts'
import { median } from '../median.ts'
import { cpuSeconds, residentBytes } from '../server-cost.ts'
import { type CallCounts, callsEach, callsOf, writesOf } from './audit-tail.ts'
import { Lanes } from './lanes.ts'
import type { OperatorRun } from './measures.ts'
import { type BenchStage, setStage } from './stage.ts'
import { Watchdog } from './watchdog.ts'

/** Calls of the bench at a time when it makes or changes SocketServers. */
const PARALLEL = 16
/** Between two of the changes whose time is taken while much is under way. */
const PROBE_EVERY_MS = 2_000
const QUIET_PROBES = 10
/** Without a write for so long all is quiet. */
const SETTLED_MS = 4_000
const QUIET_MS = 60_000
/** Names of the SocketServers whose changes are timed, and which are not counted. */
const PROBE = 'probe'

/** What a run is given. */
export interface MeasureOptions {
  readonly count: number
  readonly profiles: string | undefined
  readonly progress: (text: string) => void
  readonly signal: AbortSignal
}

/** CPU time in seconds, and how many looks at SocketServers at rest it went into, among others. */
type Spent = Pick<Cost, 'cpuSeconds' | 'looks'>

/** What something cost from one moment to another. */
interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly apiServerCpuSeconds: number
  readonly reconciles: number
  readonly looks: number
}

async function costOf({ plane, operator }: BenchStage, work: () => Promise<void>): Promise<Cost> {
  const look = async () => {
    const { body } = await plane.admin.request('/metrics')
    const metrics = await operator.metrics()
    return {
      api: parseMetrics(String(body)).sum('process_cpu_seconds_total'),
      reconciles: metrics.sum('controller_runtime_reconcile_total'),
      looks: metrics.sum('socketserver_operator_looks_total'),
    }
  }
  const before = await look()
  const from = performance.now()
  const spent = cpuSeconds(operator.pid)
  await work()
  const seconds = (performance.now() - from) / 1000
  const cpu = cpuSeconds(operator.pid) - spent
  const after = await look()
  return {
    seconds,
    cpuSeconds: cpu,
    apiServerCpuSeconds: after.api - before.api,
    reconciles: after.reconciles - before.reconciles,
    looks: after.looks - before.looks,
  }
}

/** Waits until nothing is written any more; what was called since the last count. */
async function settle({ audit }: BenchStage, dog: Watchdog): Promise<CallCounts> {
  const all = new Map<string, number>()
  for (let quietSince = performance.now(); performance.now() - quietSince < SETTLED_MS; ) {
    await dog.until(sleep(500))
    const counts = await audit.counts(PROBE)
    for (const [what, count] of counts) all.set(what, (all.get(what) ?? 0) + count)
    if (writesOf(counts) > 0) quietSince = performance.now()
  }
  return all
}

/** One run: makes so many SocketServers, changes each, and looks on while all is quiet. */
export async function measureOperator({ count, profiles, progress, signal }: MeasureOptions): Promise<OperatorRun> {
  progress(`${count}: starting etcd, kube-apiserver and the operator`)
  using dog = new Watchdog(signal)
  await using stage = await setStage(profiles, (error) => dog.fail(error))
  const { fleet, operator } = stage
  const names = Array.from({ length: count }, (_, at) => `edge-${at}`)
  dog.watch({
    pending: () => fleet.pending,
    tell: (pending) => progress(`${count}: ${pending} are not ready yet, ${memoryText(operator.pid)}`),
    ended: () => operator.ended(),
    diagnose: () => `${JSON.stringify(fleet.late)}\n${operator.text().split('\n').slice(-20).join('\n')}`,
  })
  const each = (work: (name: string) => Promise<{ readonly ready: Promise<void> }>) => async () => {
    const lanes = new Lanes(PARALLEL)
    const ready: Promise<void>[] = []
    const begin = async (name: string) => {
      dog.signal.throwIfAborted()
      ready.push((await work(name)).ready)
    }
    await dog.until(Promise.all(names.map((name) => lanes.run(() => begin(name)))))
    await dog.until(Promise.all(ready))
  }

  let probes = 0
  const timeOfProbe = () => {
    probes += 1
    return dog.until(fleet.timeOfChange(PROBE, `change ${probes}\r\n`))
  }
  await dog.until((await fleet.create(PROBE)).ready)
  await settle(stage, dog)

  progress(`${count}: making them, and changing another one meanwhile`)
  const meanwhile: number[] = []
  let isMaking = true
  const probing = (async () => {
    while (isMaking) {
      meanwhile.push(await timeOfProbe())
      await dog.until(sleep(PROBE_EVERY_MS))
    }
  })()
  probing.catch(() => {})
  const made = await costOf(
    stage,
    each((name) => fleet.create(name)),
  )
  isMaking = false
  await probing
  const callsNew = await settle(stage, dog)
  progress(`${count}: all are ready after ${made.seconds.toFixed(1)} s; changing each`)
  const changed = await costOf(
    stage,
    each((name) => fleet.change(name, 'changed\r\n')),
  )
  const callsChanged = await settle(stage, dog)

  progress(`${count}: all changes are ready after ${changed.seconds.toFixed(1)} s; looking on while all is quiet`)
  const whileQuiet: number[] = []
  for (let at = 0; at < QUIET_PROBES; at += 1) whileQuiet.push(await timeOfProbe())
  await settle(stage, dog)
  const quiet = await costOf(stage, () => dog.until(sleep(QUIET_MS)))
  const quietCalls = await stage.audit.counts('')
  const { now, most } = residentBytes(operator.pid)
  return {
    count,
    callsNew: callsEach(callsNew, count),
    callsChanged: callsEach(callsChanged, count),
    values: {
      cpuNew: (made.cpuSeconds * 1000) / count,
      writesNew: writesOf(callsNew) / count,
      callsNew: callsOf(callsNew) / count,
      cpuChanged: 1000 * cpuOfChange(changed, quiet, count),
      writesChanged: writesOf(callsChanged) / count,
      callsChanged: callsOf(callsChanged) / count,
      memory: now / 1e6,
      memoryMost: most / 1e6,
      share: made.cpuSeconds / made.apiServerCpuSeconds,
      secondsNew: made.seconds,
      reconcilesPerSecond: made.reconciles / made.seconds,
      reconcilesNew: made.reconciles / count,
      shownMeanwhile: median(meanwhile),
      shownMeanwhileWorst: Math.max(...meanwhile),
      secondsChanged: changed.seconds,
      shownQuiet: median(whileQuiet),
      quietShare: (100 * quiet.cpuSeconds) / quiet.seconds,
      quietWrites: (writesOf(quietCalls) * 60) / quiet.seconds,
    },
  }
}

/**
 * CPU seconds for one change, when all were changed once: less what went into looks that no change called for, as many as
 * there were, each as dear as while all is quiet.
 */
export function cpuOfChange(changed: Spent, quiet: Spent, count: number): number {
  const eachLook = quiet.looks === 0 ? 0 : quiet.cpuSeconds / quiet.looks
  return (changed.cpuSeconds - changed.looks * eachLook) / count
}

const memoryText = (pid: number) => `the operator holds ${Math.round(residentBytes(pid).now / 1e6)} MB`
