import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startTwoDoors } from '../support/two-doors.ts'

/** The timer of the server's side of a connection, as proc_net_tcp(5) numbers them, and milliseconds until it ends. */
function timerOf(serverPort: number, clientPort: number): { readonly kind: number; readonly milliseconds: number } {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', remote = '', , , timer = ''] = line.trim().split(/\s+/)
    if (!local.endsWith(`:${hex(serverPort)}`) || !remote.endsWith(`:${hex(clientPort)}`)) continue
    const [kind = '', ticks = ''] = timer.split(':')
    return { kind: Number.parseInt(kind, 16), milliseconds: Number.parseInt(ticks, 16) * 10 }
  }
  throw new Error(`there is no connection from ${clientPort} to ${serverPort}`)
}

const KEEP_ALIVE_TIMER = 2

for (const door of ['tls', 'plain'] as const)
  test(`the kernel asks after a minute of silence whether a client of a ${door} listener is still there`, async () => {
    // Somebody looks at the clients every eighth of the shortest limit.
    await using engine = await startTwoDoors({ timeouts: { idleSeconds: 4 } })
    await using client = await engine[door].connect()
    client.socket.write('hello')
    expect((await client.bytes(5)).toString()).toBe('hello')
    const clientPort = client.socket.localPort ?? 0
    await expect.poll(() => timerOf(engine[door].port, clientPort).kind, { timeout: 3_000 }).toBe(KEEP_ALIVE_TIMER)
    const { milliseconds } = timerOf(engine[door].port, clientPort)
    expect(milliseconds).toBeGreaterThan(50_000)
    expect(milliseconds).toBeLessThanOrEqual(60_000)
  })
