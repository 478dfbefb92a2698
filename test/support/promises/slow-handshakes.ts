import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { captureClientHello } from '../client-hello.ts'
import { connectTls } from '../tls-client.ts'
import { footprintAfterOne } from './killed-clients.ts'
import { leavesNothing, type Stage } from './stage.ts'

/** What came of good clients among slow ones. */
export interface FloodReport {
  readonly slow: number
  readonly served: number
  /** Of the slowest good client, handshake and answer. */
  readonly slowestMs: number
}

/** Slow clients in three ways: silent, with half a hello, and with one that drips a byte at a time. */
export async function openSlow(port: number, count: number): Promise<readonly Socket[]> {
  const hello = await captureClientHello({ servername: 'echo.test' })
  const sockets: Socket[] = []
  // Many at once would fill the queue of the listener, and wait for each other in the kernel.
  for (let done = 0; done < count; done += 250) {
    const wave = Array.from({ length: Math.min(250, count - done) }, () => connect(port, '127.0.0.1'))
    await Promise.all(
      wave.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('error', resolve))),
    )
    for (const [at, socket] of wave.entries()) {
      socket.on('error', () => {})
      socket.resume()
      if (at % 3 === 1) socket.write(hello.subarray(0, hello.length / 2))
      if (at % 3 === 2) drip(socket, hello)
    }
    sockets.push(...wave)
  }
  return sockets
}

function drip(socket: Socket, bytes: Buffer): void {
  let at = 0
  const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 500)
  socket.on('close', () => clearInterval(timer))
}

/** A good client: a handshake, a question and its answer. Rejects when it is not served. */
async function ask(port: number): Promise<void> {
  await using client = await connectTls({ port, servername: 'echo.test' })
  assert.equal(await client.request('hello'), 'hello')
}

/**
 * Holds `count` slow handshakes open and has `good` clients served meanwhile, ten at a time, each at its first try; then
 * the slow ones are closed by the engine, and nothing of them is left.
 */
export async function servesAmongSlowHandshakes(stage: Stage, count: number, good: number): Promise<FloodReport> {
  const before = await footprintAfterOne(stage)
  const slow = await openSlow(stage.tlsPort, count)
  try {
    const { clients } = await stage.engine.status()
    assert.ok(clients > count * 0.9, `${clients} of ${count} slow clients are inside`)
    let slowestMs = 0
    for (let served = 0; served < good; served += 10)
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const started = performance.now()
          await ask(stage.tlsPort)
          slowestMs = Math.max(slowestMs, performance.now() - started)
        }),
      )
    await leavesNothing(stage, before, 60_000)
    return { slow: count, served: good, slowestMs }
  } finally {
    for (const socket of slow) socket.destroy()
  }
}
