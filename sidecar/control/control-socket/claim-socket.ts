import { chmod, link, lstat, mkdtemp, rename, rm, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { SocketServerError } from '../../base/errors.ts'

/** Room for a path in the address of a UNIX socket, in bytes: 104 on BSD and macOS, 108 on Linux, both with a final NUL. */
const MAX_PATH_BYTES = 103
/** Milliseconds in which a living process accepts on its socket. */
const ANSWER_MS = 1000

/** A UNIX socket in service at its path. */
export interface ClaimedSocket {
  readonly path: string
  /** Stops listening and removes the path, unless it belongs to another by now. */
  close(): Promise<void>
}

/**
 * Lets `server` listen on a UNIX socket at `path`, with mode 0600 from the first moment: it is made in a directory of
 * mode 0700 and linked to its place when it is ready. A socket left behind by a dead process is replaced, a living one
 * never.
 *
 * @throws SocketServerError SS_CANNOT_LISTEN
 */
export async function claimSocket(server: Server, path: string): Promise<ClaimedSocket> {
  const at = resolve(path)
  const length = Buffer.byteLength(at)
  if (length > MAX_PATH_BYTES)
    throw cannot(at, `is ${length} bytes long, and a UNIX socket has room for ${MAX_PATH_BYTES}`, 'give a shorter path')
  const nursery = await mkdtemp(join(dirname(at), '.s')).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'is in a directory that does not exist' : `cannot be made (${error.code})`
    throw cannot(at, why, 'make its directory, or give another path')
  })
  const born = join(nursery, 's')
  try {
    await listen(server, born)
    await chmod(born, 0o600)
    await linkInto(born, at, nursery)
  } catch (error) {
    server.close()
    if (error instanceof SocketServerError) throw error
    throw cannot(at, `fails (${(error as Error).message})`, 'give another path')
  } finally {
    await rm(nursery, { recursive: true, force: true })
  }
  const own = await inode(at)
  return {
    path: at,
    async close() {
      server.close()
      if (own !== undefined && (await inode(at)) === own) await unlink(at).catch(() => {})
    },
  }
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((done, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      done()
    })
  })

/** Device and inode: what tells one file at a path from another. Undefined when there is none. */
const inode = async (path: string): Promise<string | undefined> => {
  try {
    const { dev, ino } = await lstat(path)
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}

const WITHOUT_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** A hard link is made only where nothing is, so of two engines that come at once one finds the other's socket. */
async function linkInto(born: string, path: string, nursery: string): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      await link(born, path)
      return
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      // A file system without hard links: a rename would replace what is there, so it is looked for first.
      if (WITHOUT_LINKS.has(code) && (await inode(path)) === undefined) return await rename(born, path)
      if (code !== 'EEXIST' && !WITHOUT_LINKS.has(code)) throw error
    }
    const found = await lstat(path).catch(() => undefined)
    if (found === undefined) continue
    if (!found.isSocket())
      throw cannot(path, 'is a file that is no socket', 'remove it if nobody needs it, or give another path')
    if (await isAlive(path)) throw isTaken(path)
    // Between the look and this step another engine may have replaced it: what is moved away is looked at again.
    const moved = join(nursery, `old${tries}`)
    await rename(path, moved).catch(() => {})
    const isTheDead = await lstat(moved).then(
      (stat) => stat.ino === found.ino && stat.dev === found.dev,
      () => true,
    )
    if (isTheDead) continue
    await link(moved, path).catch(() => {})
    throw isTaken(path)
  }
  throw isTaken(path)
}

/** Whether a process listens on the socket. */
export const isAlive = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ path })
    const settle = (alive: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      done(alive)
    }
    // A full queue, a right that is missing: somebody is there.
    const timer = setTimeout(() => settle(true), ANSWER_MS)
    socket.on('connect', () => settle(true))
    socket.on('error', (error: NodeJS.ErrnoException) => settle(!['ECONNREFUSED', 'ENOENT'].includes(error.code ?? '')))
  })

/** The failure of a socket whose path a living process has. */
export class SocketTakenError extends SocketServerError {}

const isTaken = (path: string) =>
  new SocketTakenError('SS_CANNOT_LISTEN', `the control socket "${path}" belongs to another engine that runs`, {
    hint: 'stop that one, or give this one another path by --control PATH, or --control none',
  })

const cannot = (path: string, why: string, hint: string) =>
  new SocketServerError('SS_CANNOT_LISTEN', `the control socket "${path}" ${why}`, {
    hint: `${hint} by --control PATH, or --control none`,
  })
