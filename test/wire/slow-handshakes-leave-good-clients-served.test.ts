import { expect, test } from 'vitest'
import { descriptorLimit } from '../../sidecar/control/descriptor-limit.ts'
import { openSlow, servesAmongSlowHandshakes } from '../support/promises/slow-handshakes.ts'
import { startStage } from '../support/promises/stage.ts'
import { connectTls } from '../support/tls-client.ts'

const SLOW = 5_000

/** The engine keeps room for a backend of each client. */
const needed = 2 * SLOW + 1_000
const isLimited = (descriptorLimit() ?? needed) < needed

test.skipIf(isLimited)(
  `${SLOW} slow handshakes leave good clients served, and are closed in their time (needs ulimit -n ${needed})`,
  { timeout: 120_000 },
  async () => {
    await using stage = await startStage({ timeouts: { handshakeSeconds: 10 } })
    const report = await servesAmongSlowHandshakes(stage, SLOW, 100)
    expect(report.served).toBe(100)
    // A quiet machine takes some milliseconds.
    expect(report.slowestMs).toBeLessThan(5_000)
    const metrics = await stage.engine.metrics()
    expect(metrics.sum('socketserver_connections_closed_total', { reason: 'TooSlow' })).toBeGreaterThan(SLOW * 0.9)
  },
)

test('slow handshakes that take every place there is make room for good clients', { timeout: 60_000 }, async () => {
  // The default of maxClients, 1000.
  await using stage = await startStage({ maxClients: 1_000, timeouts: { handshakeSeconds: 60 } })
  const slow = await openSlow(stage.tlsPort, 1_500)
  try {
    expect((await stage.engine.status()).clients).toBe(1_000)
    const waited = performance.now()
    let served = 0
    while (served < 50) {
      try {
        await using client = await connectTls({ port: stage.tlsPort, servername: 'echo.test' })
        if ((await client.request('hello')) === 'hello') served += 1
      } catch (error) {
        // Within a second of their accept the slow ones may still be good ones.
        if (performance.now() - waited > 15_000) throw error
      }
    }
    expect((await stage.engine.status()).clients).toBeLessThanOrEqual(1_000)
  } finally {
    for (const socket of slow) socket.destroy()
  }
})
