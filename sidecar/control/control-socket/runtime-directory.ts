import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { SocketServerError } from '../../base/errors.ts'

/** Where directories of running programs are, on this machine and for this user. */
export interface RuntimeFacts {
  /** `XDG_RUNTIME_DIR` (XDG Base Directory Specification); undefined when it is not set. */
  readonly xdgRuntimeDir: string | undefined
  readonly uid: number
  /** Directory for temporary files. */
  readonly temporary: string
  /** `/run/socketserver`, as systemd's `RuntimeDirectory=socketserver` makes it. */
  readonly system: string
}

/** The facts of this process. */
export const runtimeFacts = (): RuntimeFacts => ({
  xdgRuntimeDir: process.env['XDG_RUNTIME_DIR'],
  uid: process.getuid?.() ?? 0,
  temporary: tmpdir(),
  system: '/run/socketserver',
})

/**
 * Every directory in which control sockets may be, most wanted first: `$XDG_RUNTIME_DIR/socketserver`, then
 * `/run/socketserver`, then `socketserver-UID` in the directory for temporary files. An engine takes the first that it
 * can use; whoever looks for an engine looks into all, because a shell and a service need not have the same variables.
 */
export function runtimeDirectories({ xdgRuntimeDir = '', uid, temporary, system }: RuntimeFacts): readonly string[] {
  const own = isAbsolute(xdgRuntimeDir) ? [join(xdgRuntimeDir, 'socketserver')] : []
  return [...own, system, join(temporary, `socketserver-${uid}`)]
}

/**
 * Finds the directory for a new control socket, and makes it (mode 0700) when it is missing.
 *
 * @throws SocketServerError SS_CANNOT_LISTEN, with what is wrong with each
 */
export async function prepareRuntimeDirectory(facts: RuntimeFacts): Promise<string> {
  const problems: string[] = []
  for (const directory of runtimeDirectories(facts)) {
    const problem = await prepare(directory, facts.uid)
    if (problem === undefined) return directory
    problems.push(`${directory} ${problem}`)
  }
  throw new SocketServerError(
    'SS_CANNOT_LISTEN',
    `there is no directory for the control socket: ${problems.join('; ')}`,
    {
      hint: 'name a path by --control PATH, or --control none',
    },
  )
}

/** Undefined when the directory can be used. */
async function prepare(directory: string, uid: number): Promise<string | undefined> {
  try {
    await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    const { mode, uid: owner } = await lstat(directory).then((stat) => {
      if (!stat.isDirectory()) throw new Error('is not a directory')
      return stat
    })
    // Who else may write there could put a socket of his own in the place of ours; anybody may make a name in /tmp first.
    if (owner !== uid && owner !== 0) return `belongs to another user (${owner})`
    if ((mode & 0o022) !== 0) return 'can be written by others'
    await access(directory, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === undefined ? message : `cannot be used (${code})`
  }
}

/** Characters of a name that a socket's path has room for: with all before it, it must stay below 104 bytes. */
const MAX_NAME = 48

/**
 * The file name of the control socket of a SocketServer: `NAME.sock`; of a long name the beginning and a hash.
 *
 * @param suffix tells a second engine of the same name apart
 */
export function socketFileName(name: string, suffix = ''): string {
  const short =
    name.length <= MAX_NAME
      ? name
      : `${name.slice(0, MAX_NAME - 13)}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`
  return `${short}${suffix}.sock`
}
