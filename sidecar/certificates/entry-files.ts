import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Entry } from './load.ts'

/** The API server's own limit for a Secret or ConfigMap. */
const MAX_BYTES = 1024 * 1024

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

/**
 * What a cheap look tells of a file: the same text as long as it is the same file with the same content. The change
 * time is part of it, which no program can set: a rewrite of the same size with the old modification time is seen.
 */
export function fingerprintOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (!stats) return 'missing'
    return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.mode}`
  } catch (error) {
    return codeOf(error)
  }
}

function deniedBecause(stats: BigIntStats): string {
  const mode = (stats.mode & 0o7777n).toString(8).padStart(4, '0')
  const uid = process.geteuid?.() ?? -1
  return `cannot be read: it belongs to uid ${stats.uid} with mode ${mode} and this process runs as uid ${uid}; let that user or its group read it (chmod, or fsGroup and defaultMode of the volume)`
}

const INSIDE_FILE = 'cannot be reached: there is a file where its directory should be; make a directory of it'

const isInsideFile = (path: string): boolean =>
  statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() === false

/** Reads one entry of a mounted Secret or ConfigMap. Never throws, and never waits for a pipe or a device. */
export function readEntry(path: string): Entry {
  const unreadable = (problem: string): Entry => ({ kind: 'unreadable', problem })
  let stats: BigIntStats | undefined
  try {
    stats = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (!stats) return isInsideFile(path) ? unreadable(INSIDE_FILE) : { kind: 'missing' }
    if (stats.isDirectory()) return unreadable('is a directory; put a file in its place')
    if (!stats.isFile()) return unreadable('is not a regular file; put a file in its place')
    if (stats.size > MAX_BYTES) return unreadable(`has ${stats.size} bytes, more than 1 MiB; put PEM text into it`)
    return { kind: 'bytes', bytes: readFileSync(path) }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return { kind: 'missing' }
    if (stats && (code === 'EACCES' || code === 'EPERM')) return unreadable(deniedBecause(stats))
    if (code === 'EACCES')
      return unreadable(
        `cannot be reached: a directory above it is closed to uid ${process.geteuid?.() ?? -1}; open it (chmod +x)`,
      )
    if (code === 'ENOTDIR') return unreadable(INSIDE_FILE)
    if (code === 'ELOOP') return unreadable('cannot be reached: its links lead in a circle; write it again')
    return unreadable(`cannot be read: "${code}"; look at the file and its volume`)
  }
}

/** Whether there is a directory at a path; a path that cannot be looked at counts as one, and its entries tell why. */
export function isDirectoryMissing(path: string): boolean {
  return fingerprintOf(path) === 'missing'
}
