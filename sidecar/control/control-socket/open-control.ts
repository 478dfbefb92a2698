import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../base/log.ts'
import { type ClaimedSocket, claimSocket, isAlive, SocketTakenError } from './claim-socket.ts'
import { createControlServer } from './control-server.ts'
import type { ControlTarget } from './control-target.ts'
import { prepareRuntimeDirectory, runtimeFacts, socketFileName } from './runtime-directory.ts'

/** Where the control socket is wanted. */
export type ControlPlace =
  | { readonly kind: 'none' }
  /** In the runtime directory, named after the SocketServer. */
  | { readonly kind: 'default' }
  | { readonly kind: 'path'; readonly path: string }

/** The control socket while it listens. */
export interface Control {
  readonly path: string
  close(): Promise<void>
}

/**
 * Opens the control socket; undefined when there is none. A path that was asked for and cannot be had ends the start.
 * By default a second engine of the same name gets a socket of its own beside the first's, and one that can have none
 * (a read-only container) serves its clients without.
 *
 * @throws SocketServerError SS_CANNOT_LISTEN for a path that was asked for
 */
export async function openControl(
  place: ControlPlace,
  name: string,
  target: ControlTarget,
  log: Log,
): Promise<Control | undefined> {
  if (place.kind === 'none') return undefined
  const open = async (path: string): Promise<Control> => {
    const server = createControlServer(target, (error) => log('error', 'control request failed', { error }))
    const socket = await claimSocket(server, path)
    server.on('error', (error) => log('error', 'control socket failed', { error }))
    return { path: socket.path, close: () => closeAll(server, socket) }
  }
  if (place.kind === 'path') return open(place.path)
  try {
    const directory = await prepareRuntimeDirectory(runtimeFacts())
    await sweep(directory, name)
    try {
      return await open(join(directory, socketFileName(name)))
    } catch (error) {
      if (!(error instanceof SocketTakenError)) throw error
      return await open(join(directory, socketFileName(name, `-${process.pid}`)))
    }
  } catch (error) {
    log('warn', 'there is no control socket', { error, cure: 'name a path by --control PATH, or --control none' })
    return undefined
  }
}

async function closeAll(server: ReturnType<typeof createControlServer>, socket: ClaimedSocket): Promise<void> {
  await socket.close()
  server.closeAllConnections()
}

/** Removes what second engines of this name left behind when they were killed; the first name is taken over anyway. */
async function sweep(directory: string, name: string): Promise<void> {
  const beginning = `${socketFileName(name).slice(0, -'.sock'.length)}-`
  for (const file of await readdir(directory)) {
    if (!file.startsWith(beginning) || !/^\d+\.sock$/.test(file.slice(beginning.length))) continue
    const path = join(directory, file)
    if (!(await isAlive(path))) await unlink(path).catch(() => {})
  }
}
