import { existsSync, mkdirSync, readdirSync, realpathSync, rmdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../eventually.ts'

const ROOT = '/sys/fs/cgroup'
const PREFIX = 'socketserver-node-'

/** The control group below which a kubelet puts its pods: under one root, two kubelets would remove each other's. */
export interface ControlGroup extends AsyncDisposable {
  /** As kubelets want it: `/name`. */
  readonly name: string
  /** The directories that are it, one for each hierarchy. */
  readonly directories: readonly string[]
}

/** The hierarchies of this machine: one of version 2, or several of version 1. */
function hierarchies(): readonly string[] {
  if (existsSync(join(ROOT, 'cgroup.controllers'))) return [ROOT]
  const directories = readdirSync(ROOT)
    .map((name) => join(ROOT, name))
    .filter((directory) => existsSync(join(directory, 'cgroup.procs')))
  // One hierarchy may have several names.
  return [...new Set(directories.map((directory) => realpathSync(directory)))]
}

/** Removes a group with all below it; what has a process in it stays. */
function removeTree(directory: string): void {
  if (!existsSync(directory)) return
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(directory, entry.name))
  rmdirSync(directory)
}

/** Groups of processes that were killed have nobody who removes them. */
function removeAbandoned(): void {
  for (const hierarchy of hierarchies())
    for (const name of readdirSync(hierarchy)) {
      const [pid] = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-') : []
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue
      try {
        removeTree(join(hierarchy, name))
      } catch {
        // It belongs to a process that cannot be seen from here.
      }
    }
}

let count = 0

/** Makes a control group in every hierarchy; disposing removes it once its processes are gone. */
export async function createControlGroup(): Promise<ControlGroup> {
  removeAbandoned()
  count += 1
  const name = `${PREFIX}${process.pid}-${count}`
  const directories = hierarchies().map((hierarchy) => join(hierarchy, name))
  for (const directory of directories) {
    mkdirSync(directory)
    // In version 1 a new group has no processor and no memory until it is told which.
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (existsSync(join(directory, file)) && !existsSync(join(directory, 'cgroup.controllers')))
        await writeFile(join(directory, file), await readFile(join(directory, '..', file)))
  }
  return {
    name: `/${name}`,
    directories,
    async [Symbol.asyncDispose]() {
      await eventually(() => directories.forEach(removeTree), { withinMs: 20_000, everyMs: 100 })
      removeAbandoned()
    },
  }
}
