import { readFileSync } from 'node:fs'

/** Open files this process may have at once (RLIMIT_NOFILE); undefined where it is not told (proc(5) is of Linux) or unlimited. */
export function descriptorLimit(path = '/proc/self/limits'): number | undefined {
  try {
    // Both runtimes raise the soft limit to the hard one as they start.
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(path, 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
