import { join } from 'node:path'
import { expect, test } from 'vitest'
import { digest, startBackend } from '../../support/backend.ts'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward } from '../../support/manifest.ts'
import { createWorkspace } from '../../support/workspace.ts'

const WORDS = Buffer.alloc(1_000_000, 'unix ')

test('a backend behind a UNIX socket is served with the same half-close, and is named by its path', async () => {
  await using workspace = await createWorkspace()
  const path = join(workspace.path, 'backend.sock')
  await using backend = await startBackend(digest, { path })
  await using edge = await startEdge({ hosts: [{ handler: forward([backend.backend]) }] })
  await using client = await edge.connect()
  client.socket.end(WORDS)
  expect((await client.toEnd(10_000)).toString()).toBe(sha256(WORDS))
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toMatchObject({ backend: `unix:${path}`, reason: 'Completed', receivedBytes: WORDS.length })
})

test('a UNIX socket that is not there closes the client and is told, and serves once it is there', async () => {
  await using workspace = await createWorkspace()
  const path = join(workspace.path, 'backend.sock')
  await using edge = await startEdge({ hosts: [{ handler: forward([{ unixPath: path }]) }] })
  await using early = await edge.connect()
  await early.toEnd()
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toMatchObject({ reason: 'BackendUnreachable', detail: expect.stringContaining('ENOENT') })
  await using _backend = await startBackend(digest, { path })
  await using late = await edge.connect()
  late.socket.end('now')
  expect((await late.toEnd()).toString()).toBe(sha256('now'))
})

test('a client that breaks off breaks off the UNIX socket', async () => {
  await using workspace = await createWorkspace()
  const path = join(workspace.path, 'backend.sock')
  await using backend = await startBackend(digest, { path })
  await using edge = await startEdge({ hosts: [{ handler: forward([backend.backend]) }] })
  await using client = await edge.connect()
  client.socket.write('half')
  await eventually(() => expect(backend.connections[0]?.receivedBytes).toBe(4))
  client.transport.resetAndDestroy()
  await eventually(() => expect(backend.connections).toMatchObject([{ closed: true }]))
})
