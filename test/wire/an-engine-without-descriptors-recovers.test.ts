import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { acceptFaultMissing, buildAcceptFault } from '../support/accept-fault.ts'
import { eventually } from '../support/eventually.ts'
import { crowd, isServed, outlivesACrowd, processorShare } from '../support/promises/few-descriptors.ts'
import { startStage } from '../support/promises/stage.ts'
import { connectRaw } from '../support/raw-client.ts'
import { createWorkspace } from '../support/workspace.ts'

// Much of it is waiting for time to pass, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

const prlimitMissing = spawnSync('prlimit', ['--version']).status !== 0

test('with a low limit of open files it takes as many clients as it can serve, and tells so', async () => {
  await using stage = await startStage({ maxClients: 1_000, bannerTooBusy: 'busy\r\n' }, { openFiles: 256 })
  const { engine } = stage
  const line = await engine.waitForLog(({ message }) => message.startsWith('fewer clients than maxClients are taken'))
  expect(line).toMatchObject({ level: 'warn', maxClients: 1_000, taken: 88, openFiles: 256 })
  const { processorShare: share } = await outlivesACrowd(stage, stage.plainPort, 600)
  console.info(`256 open files, 600 clients: ${Math.round(share * 100)} % of a processor`)
  const refused = (await engine.metrics()).sum('socketserver_connections_closed_total', { reason: 'TooBusy' })
  expect(refused).toBeGreaterThanOrEqual(600 - 88)
  // It had descriptors left for all else: backends were reached, and every question above was answered.
  expect((await engine.metrics()).sum('socketserver_connections_closed_total', { reason: 'BackendUnreachable' })).toBe(
    0,
  )
})

test.skipIf(prlimitMissing)(
  'when descriptors run out all the same (EMFILE) it serves who is inside, rests, and recovers',
  async () => {
    await using stage = await startStage({})
    const { engine } = stage
    const limit = (most: number) => spawnSync('prlimit', [`--pid=${engine.pid}`, `--nofile=${most}:1000`])
    await isServed(stage.plainPort)
    // The engine does not know of it: somebody else has taken what it counted on. Silent clients of TLS take one each.
    expect(limit((await engine.openDescriptors()) + 12).status).toBe(0)
    const { processorShare: share } = await outlivesACrowd(stage, stage.tlsPort, 300)
    console.info(`EMFILE: ${Math.round(share * 100)} % of a processor`)
    // No backend is blamed for connects that could not begin. Of an odd number the last descriptor is left for a client,
    // and none for its backend.
    for (const spare of [12, 13]) {
      limit((await engine.openDescriptors()) + spare)
      await outlivesACrowd(stage, stage.plainPort, 100)
    }
    expect((await engine.metrics()).sum('socketserver_backend_healthy', { host: 'plain' })).toBe(1)
    expect(engine.lines.filter(({ message }) => message === 'backend does not accept')).toEqual([])
    const unreached = { host: 'plain', reason: 'BackendUnreachable' }
    expect((await engine.metrics()).sum('socketserver_connections_closed_total', unreached)).toBeGreaterThan(0)
    expect(limit(1_000).status).toBe(0)
    await outlivesACrowd(stage, stage.plainPort, 100)
    expect((await engine.status()).ready).toBe(true)
  },
)

test.skipIf(acceptFaultMissing)(
  'when the files of the system run out (ENFILE) it serves who is inside, turns the others away, and recovers',
  async () => {
    await using workspace = await createWorkspace()
    const fault = join(workspace.path, 'fault')
    const env = { LD_PRELOAD: buildAcceptFault(workspace.path), ACCEPT_FAULT: fault }
    await using stage = await startStage({}, { env })
    await using inside = await connectRaw({ port: stage.plainPort })
    await inside.send('before')
    expect((await inside.bytes(6)).toString()).toBe('before')
    writeFileSync(fault, '')
    const sockets = await crowd(stage.plainPort, 50)
    const share = await processorShare(stage, 2_000)
    console.info(`ENFILE: ${Math.round(share * 100)} % of a processor`)
    expect(share).toBeLessThan(0.5)
    await eventually(() => expect(sockets.every((socket) => socket.readableEnded || socket.destroyed)).toBe(true))
    await inside.send('during')
    expect((await inside.bytes(6)).toString()).toBe('during')
    rmSync(fault)
    for (const socket of sockets) socket.destroy()
    await eventually(() => isServed(stage.plainPort), { withinMs: 20_000 })
    expect((await stage.engine.status()).ready).toBe(true)
  },
)
