import { expect, test } from 'vitest'
import type { ListenState } from '../../../sidecar/engine/ports.ts'
import { runCommand } from '../../support/command.ts'
import { control, controlJson, controlPath } from '../../support/control.ts'
import { eventually } from '../../support/eventually.ts'
import { ask, startTwoDoors } from '../../support/two-doors.ts'

const SPEC = { timeouts: { drainSeconds: 20 } }

test('it stops listening, lets clients finish, and the process ends with 0', { timeout: 60_000 }, async () => {
  await using engine = await startTwoDoors(SPEC)
  await using client = await engine.tls.connect()
  await ask(client)
  const { code, stdout } = await control(engine, 'drain')
  expect([code, stdout]).toEqual([0, 'The engine drains: 1 client may finish within 20 s.\n'])
  await engine.waitForLog((line) => line.message === 'server stopping' && line.signal === 'SIGTERM')
  expect((await engine.admin('/readyz')).code).toBe(503)
  await eventually(async () => await expect(engine.plain.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' }))
  // The client does not notice, and the engine can still be asked.
  expect(await ask(client, 'still here')).toBe('still here')
  const states = await control(engine, 'states')
  expect([states.code, states.stdout]).toEqual([1, expect.stringContaining('The engine is stopping.')])
  expect(await controlJson(engine, 'drain')).toMatchObject({ begun: false, clients: 1 })

  const exit = engine.exit(15_000)
  client.socket.end()
  expect(await exit).toEqual({ code: 0, signal: null })
})

test('SIGTERM after it cuts nothing short, as the kubelet sends it after a preStop hook; a second one does', {
  timeout: 60_000,
}, async () => {
  await using engine = await startTwoDoors(SPEC)
  await using client = await engine.tls.connect()
  await ask(client)
  await control(engine, 'drain')
  process.kill(engine.pid, 'SIGTERM')
  // The engine has had the signal by the time it answers this.
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(await ask(client, 'still here')).toBe('still here')
  const exit = engine.exit()
  process.kill(engine.pid, 'SIGTERM')
  expect(await exit).toEqual({ code: 0, signal: null })
})

test('--wait comes back when the engine has ended', { timeout: 60_000 }, async () => {
  await using engine = await startTwoDoors(SPEC)
  await using client = await engine.plain.connect()
  await ask(client)
  const path = await controlPath(engine)
  const exit = engine.exit(30_000)
  const waiting = runCommand(['drain', '--wait', '--control', path], { withinMs: 30_000 })
  await engine.waitForLog((line) => line.message === 'server stopping', 15_000)
  expect(engine.ended()).toBe(false)
  client.socket.end()
  expect((await waiting).code).toBe(0)
  expect((await exit).code).toBe(0)
})

test('the states during the drain are Closed', async () => {
  await using engine = await startTwoDoors(SPEC)
  await using client = await engine.plain.connect()
  await ask(client)
  await control(engine, 'drain')
  await eventually(async () => {
    const { listeners } = await controlJson<{ listeners: readonly ListenState[] }>(engine, 'states')
    expect(listeners.map(({ state }) => state)).toEqual(['Closed', 'Closed'])
  })
  const exit = engine.exit()
  client.socket.end()
  await exit
})
