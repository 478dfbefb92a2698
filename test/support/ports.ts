import { once } from 'node:events'
import { createServer, type ListenOptions } from 'node:net'

/** Below the range from which Linux takes the ports of outgoing connections, so that none of those takes ours. */
const FIRST_PORT = 15_000
const LAST_PORT = 31_999

/** Resolves whether the address can be listened on; an error other than "taken" counts as free, the caller will see it. */
async function canListen(options: ListenOptions): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ ...options, exclusive: true })
    await once(server, 'listening')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE'
  } finally {
    server.close()
  }
}

/**
 * Holds a name among all processes of this machine until this process ends. An abstract UNIX socket vanishes with its
 * process, so nothing is left behind by a killed one; where there are none (not on Linux) nothing is held.
 */
export async function hold(name: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ path: `\0${name}` })
    await once(server, 'listening')
    server.unref()
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE'
  }
}

/**
 * A TCP port free on every loopback address. It is handed out to nobody else (other test files run in processes of
 * their own at the same time) until the process that asked ends.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1))
    if (!(await hold(`socketserver-test-port-${port}`))) continue
    if ((await canListen({ host: '::', port })) && (await canListen({ host: '0.0.0.0', port }))) return port
  }
}
