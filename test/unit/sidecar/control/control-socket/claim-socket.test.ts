import { link, mkdtemp, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClaimedSocket, claimSocket, isAlive } from '../../../../../sidecar/control/control-socket/claim-socket.ts'

let directory = ''
const claimed: ClaimedSocket[] = []
const servers: Server[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ss-claim-'))
})
afterEach(async () => {
  for (const socket of claimed.splice(0)) await socket.close()
  for (const server of servers.splice(0)) server.close()
  await rm(directory, { recursive: true, force: true })
})

/** A server that greets with its name, at `path`. */
const claim = async (name: string, path: string): Promise<ClaimedSocket> => {
  const server = createServer((socket) => {
    // Whoever only looks whether somebody is there leaves at once.
    socket.on('error', () => {})
    socket.end(name)
  })
  servers.push(server)
  const socket = await claimSocket(server, path)
  claimed.push(socket)
  return socket
}
const greeting = (path: string): Promise<string> => text(connect({ path }))

/** A socket file as a killed process leaves it. */
const leaveBehind = async (path: string): Promise<void> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.tmp`, resolve))
  // What is linked elsewhere is not removed by the runtime when the server closes.
  await link(`${path}.tmp`, path)
  await new Promise((resolve) => server.close(resolve))
}

describe('claimSocket()', () => {
  test('makes a socket of mode 0600 and nothing beside it, and removes it at the end', async () => {
    const path = join(directory, 'edge.sock')
    const socket = await claim('one', path)
    const { mode } = await stat(path)
    expect((mode & 0o777).toString(8)).toBe('600')
    expect(await readdir(directory)).toEqual(['edge.sock'])
    expect(await greeting(path)).toBe('one')
    await socket.close()
    expect(await readdir(directory)).toEqual([])
  })

  test('never steals the socket of a living process', async () => {
    const path = join(directory, 'edge.sock')
    await claim('one', path)
    await expect(claim('two', path)).rejects.toMatchObject({
      code: 'SS_CANNOT_LISTEN',
      message: `Cannot listen: the control socket "${path}" belongs to another engine that runs`,
      hint: expect.stringContaining('--control PATH'),
    })
    expect(await greeting(path)).toBe('one')
    expect(await readdir(directory)).toEqual(['edge.sock'])
  })

  test('takes over the socket of a dead process', async () => {
    const path = join(directory, 'edge.sock')
    await leaveBehind(path)
    expect(await isAlive(path)).toBe(false)
    await claim('two', path)
    expect(await greeting(path)).toBe('two')
    expect(await readdir(directory)).toEqual(['edge.sock'])
  })

  test('of ten that come at once for a dead socket exactly one gets it, and keeps it', async () => {
    const path = join(directory, 'edge.sock')
    await leaveBehind(path)
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => claim(`n${i}`, path)))
    const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [`n${i}`] : []))
    expect(winners).toHaveLength(1)
    expect(await greeting(path)).toBe(winners[0])
    expect(await readdir(directory)).toEqual(['edge.sock'])
  })

  test('leaves the path alone at the end when another has it by then', async () => {
    const path = join(directory, 'edge.sock')
    const one = await claim('one', path)
    await unlink(path)
    await claim('two', path)
    await one.close()
    expect(await greeting(path)).toBe('two')
  })

  test('does not replace a file that is no socket', async () => {
    const path = join(directory, 'notes.txt')
    await writeFile(path, 'precious')
    await expect(claim('one', path)).rejects.toMatchObject({
      message: `Cannot listen: the control socket "${path}" is a file that is no socket`,
    })
    expect(await readdir(directory)).toEqual(['notes.txt'])
  })

  test.each([
    ['is in a directory that does not exist', () => join(directory, 'no', 'edge.sock')],
    ['bytes long, and a UNIX socket has room for 103', () => join(directory, 'x'.repeat(120))],
  ])('a path that %s is told with its cure', async (cause, path) => {
    await expect(claim('one', path())).rejects.toMatchObject({
      code: 'SS_CANNOT_LISTEN',
      message: expect.stringContaining(cause),
      hint: expect.stringContaining('by --control PATH, or --control none'),
    })
  })
})
