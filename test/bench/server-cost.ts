import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks per second of /proc, fixed on Linux for what user space sees (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100

/** A process and all below it. */
function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(processTree)]
}

/** Seconds of CPU time that a line of /proc/PID/stat tells: user and system, all threads. */
export function cpuSecondsOf(stat: string): number {
  // The name is in parentheses and may hold anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Seconds of CPU time a server has used so far, with its child processes. */
export function cpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + cpuSecondsOf(readFileSync(`/proc/${one}/stat`, 'utf8')), 0)
}

/** Bytes of memory a server holds, with its child processes: shared pages count by their share (PSS). */
export function memoryBytes(pid: number): number {
  return processTree(pid).reduce((sum, one) => {
    const [, kilobytes] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8')) ?? []
    return sum + Number(kilobytes) * 1024
  }, 0)
}

/** Bytes of memory a process has resident (RSS): now, and at most since it began. */
export function residentBytes(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { now: of('VmRSS'), most: of('VmHWM') }
}
