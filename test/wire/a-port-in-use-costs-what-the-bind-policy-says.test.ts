import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { echo, startBackend } from '../support/backend.ts'
import { runCommand } from '../support/command.ts'
import { startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { listener, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { createWorkspace } from '../support/workspace.ts'

const twoListeners = (bindPolicy: string, free: number, taken: number) =>
  socketServer({
    bindPolicy,
    listeners: [
      listener({ name: 'free', port: free, tls: false, handler: { type: 'Echo' } }),
      listener({ name: 'taken', port: taken, tls: false, handler: { type: 'Echo' } }),
    ],
  })

test('AllOrNothing leaves nothing open when one listener fails, and exits with 3', async () => {
  await using occupant = await startBackend(echo)
  const free = await freePort()
  await using workspace = await createWorkspace()
  await workspace.writeManifest(twoListeners('AllOrNothing', free, occupant.port))

  const result = await runCommand(['serve', '-f', workspace.manifest, '--admin', 'none'])

  expect(result).toMatchObject({ code: 3, signal: null })
  expect(result.stderr).toContain(`127.0.0.1:${occupant.port}`)
  const socket = connect(free, '127.0.0.1')
  await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('BestEffort serves the rest, reports the listener, and takes the port when it becomes free', async () => {
  await using occupant = await startBackend(echo)
  const free = await freePort()
  await using engine = await startEngine({ manifest: twoListeners('BestEffort', free, occupant.port) })

  await using client = await connectRaw({ port: free })
  await client.send('served')
  expect((await client.bytes(6)).toString()).toBe('served')
  expect((await engine.status()).listeners).toMatchObject([
    { name: 'free', state: 'Listening', error: '' },
    { name: 'taken', state: 'Closed', error: expect.stringContaining(`${occupant.port}`) },
  ])

  await occupant.close()
  await eventually(
    async () => {
      expect((await engine.status()).listeners).toMatchObject([{}, { name: 'taken', state: 'Listening', error: '' }])
    },
    { withinMs: 10_000 },
  )
  await using late = await connectRaw({ port: occupant.port })
  await late.send('served')
  expect((await late.bytes(6)).toString()).toBe('served')
  // The client of the other listener has not noticed.
  await client.send('still')
  expect((await client.bytes(5)).toString()).toBe('still')
})
