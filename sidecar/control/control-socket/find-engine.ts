import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SocketServerError } from '../../base/errors.ts'
import { isAlive } from './claim-socket.ts'
import { type RuntimeFacts, runtimeDirectories } from './runtime-directory.ts'

/**
 * The control socket of the one engine that runs here, looked for where engines put theirs.
 *
 * @throws SocketServerError SS_ENGINE_UNREACHABLE when none runs, or several do
 */
export async function findEngine(facts: RuntimeFacts): Promise<string> {
  const directories = runtimeDirectories(facts)
  const found: string[] = []
  const closed: string[] = []
  for (const directory of directories) {
    const files = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') closed.push(directory)
      return []
    })
    for (const file of files.sort()) if (file.endsWith('.sock')) found.push(join(directory, file))
  }
  const alive: string[] = []
  for (const path of found) if (await isAlive(path)) alive.push(path)
  const [only, second] = alive
  if (only !== undefined && second === undefined) return only
  if (only !== undefined)
    throw new SocketServerError('SS_ENGINE_UNREACHABLE', `${alive.length} engines run here`, {
      hint: `say which: ${alive.map((path) => `--control ${path}`).join(', or ')}`,
    })
  const barred = closed.length === 0 ? '' : `; another user's engine may run: ${closed.join(' and ')} cannot be read`
  throw new SocketServerError(
    'SS_ENGINE_UNREACHABLE',
    `none runs that has a control socket in ${directories.join(', ')}`,
    {
      hint: `start one with "socketserver serve", or name its socket by --control PATH${barred}`,
    },
  )
}
