import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findEngine } from '../../../../../sidecar/control/control-socket/find-engine.ts'

let root = ''
const servers: Server[] = []
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ss-find-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(root, { recursive: true, force: true })
})

const facts = () => ({
  ...{ xdgRuntimeDir: join(root, 'xdg'), uid: 7 },
  ...{ temporary: join(root, 'tmp'), system: join(root, 'run') },
})
const DIRECTORIES = ['xdg/socketserver', 'run', 'tmp/socketserver-7']
const open = async (...names: string[]): Promise<string> => {
  const path = join(root, ...names)
  await mkdir(join(path, '..'), { recursive: true })
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return path
}

describe('findEngine()', () => {
  test.each(DIRECTORIES)('finds the one engine whose socket lies in %s', async (directory) => {
    const path = await open(directory, 'edge.sock')
    await writeFile(join(path, '..', 'notes.txt'), '')
    expect(await findEngine(facts())).toBe(path)
  })

  test('passes over what dead ones left', async () => {
    const path = await open('run', 'edge.sock')
    await mkdir(join(root, 'xdg/socketserver'), { recursive: true })
    await writeFile(join(root, 'xdg/socketserver', 'dead.sock'), '')
    expect(await findEngine(facts())).toBe(path)
  })

  test('lists several, wherever they are, and takes none', async () => {
    const [one, two] = [await open('xdg/socketserver', 'edge.sock'), await open('run', 'edge.sock')]
    await expect(findEngine(facts())).rejects.toMatchObject({
      code: 'SS_ENGINE_UNREACHABLE',
      message: 'Cannot reach the engine: 2 engines run here',
      hint: `say which: --control ${one}, or --control ${two}`,
    })
  })

  test('says where it looked when there is none', async () => {
    await expect(findEngine(facts())).rejects.toMatchObject({
      code: 'SS_ENGINE_UNREACHABLE',
      message: `Cannot reach the engine: none runs that has a control socket in ${DIRECTORIES.map((one) => join(root, one)).join(', ')}`,
      hint: expect.stringContaining('--control PATH'),
    })
  })
})
