import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A process of a pod, by its id on this machine. */
export interface PodProcess {
  readonly pid: number
  readonly command: string
  /** User ids: real, effective, saved, of the file system. */
  readonly users: readonly number[]
  /** Group ids, the supplementary ones included. */
  readonly groups: readonly number[]
}

/** Every process id in a control group and those below it. */
function pidsBelow(directory: string): number[] {
  const entries = readdirSync(directory, { withFileTypes: true })
  const own = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
  return [...own, ...entries.filter((one) => one.isDirectory()).flatMap(({ name }) => pidsBelow(join(directory, name)))]
}

/** The control groups of a pod below a directory: kubelets name them by its uid. */
function groupsOf(directory: string, uid: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(directory, name)
      return name === `pod${uid}`
        ? [path]
        : name === 'kubepods' || name === 'besteffort' || name === 'burstable'
          ? groupsOf(path, uid)
          : []
    })
}

/** The processes of a pod of a node on this machine, found by its control groups. */
export function processesOf(controlGroups: readonly string[], uid: string): readonly PodProcess[] {
  const pids = new Set(controlGroups.flatMap((directory) => groupsOf(directory, uid)).flatMap(pidsBelow))
  return [...pids].map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const numbers = (field: string) =>
      (new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number)
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid, command, users: numbers('Uid'), groups: [...numbers('Gid'), ...numbers('Groups')] }
  })
}
