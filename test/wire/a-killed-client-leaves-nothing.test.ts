import { afterAll, beforeAll, expect, test } from 'vitest'
import { footprintAfterOne, killInPhase, PHASES } from '../support/promises/killed-clients.ts'
import { type Footprint, type Stage, startStage } from '../support/promises/stage.ts'

const COUNT = 2_000

let stage: Stage
let before: Footprint

beforeAll(async () => {
  stage = await startStage({ timeouts: { handshakeSeconds: 10, connectSeconds: 2, idleSeconds: 5 } })
  before = await footprintAfterOne(stage)
}, 90_000)

afterAll(() => stage[Symbol.asyncDispose]())

for (const phase of PHASES)
  test(`${COUNT} clients killed ${phase}: no client, timer, descriptor or backend of them is left`, {
    timeout: 90_000,
  }, async () => {
    await killInPhase(stage, phase, COUNT, before)
    expect((await stage.engine.status()).ready).toBe(true)
  })

test('a client that ended its direction and is reset then is gone at once, and not only when it was idle', async () => {
  const metrics = await stage.engine.metrics()
  for (const host of ['open', 'plain-open']) {
    const closed = (reason: string) => metrics.sum('socketserver_connections_closed_total', { host, reason })
    // Nothing tells a client that has closed from one that only ended its direction.
    expect(closed('IdleTooLong')).toBeLessThanOrEqual(COUNT / 2)
    expect(closed('ClientReset')).toBeGreaterThanOrEqual(COUNT / 4)
  }
})
