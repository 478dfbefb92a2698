import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { listener, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'

/** How many of `tries` clients the kernel takes, one after the other, while nobody accepts them. */
async function queued(port: number, tries: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  for (let i = 0; i < tries; i += 1) {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    // A connection the kernel does not take is not refused: its SYN is dropped and tried again after a second.
    await Promise.race([once(socket, 'connect'), sleep(1_500)])
    // On a busy machine the timer may be told before a connection that came in time.
    if (socket.connecting) await sleep(100)
    if (socket.connecting) {
      socket.destroy()
      break
    }
    sockets.push(socket)
  }
  return sockets
}

test('each listener keeps as many clients waiting as its listenBacklog says', async () => {
  const [short, long, usual] = [await freePort(), await freePort(), await freePort()]
  await using engine = await startEngine({
    manifest: socketServer({
      listeners: [
        listener({ name: 'short', port: short, tls: false, listenBacklog: 3 }),
        listener({ name: 'long', port: long, tls: false, listenBacklog: 12 }),
        listener({ name: 'usual', port: usual, tls: false }),
      ],
      icsHosts: [{ hostTag: 'echo', default: true, handler: { type: 'Echo' } }],
    }),
  })
  process.kill(engine.pid, 'SIGSTOP')
  const sockets: Socket[] = []
  try {
    const [ofShort, ofLong, ofUsual] = await Promise.all([queued(short, 60), queued(long, 60), queued(usual, 60)])
    sockets.push(...ofShort, ...ofLong, ...ofUsual)
    // Linux takes one more than the backlog (sk_acceptq_is_full).
    expect(ofShort.length).toBe(3 + 1)
    expect(ofLong.length).toBe(12 + 1)
    expect(ofUsual.length).toBe(60)
  } finally {
    process.kill(engine.pid, 'SIGCONT')
  }
  // Those who waited are served once somebody accepts again.
  await eventually(async () => expect((await engine.status()).clients).toBe(sockets.length), { withinMs: 10_000 })
  for (const socket of sockets) socket.destroy()
  await using client = await connectRaw({ port: short })
  await client.send('hello')
  expect((await client.bytes(5)).toString()).toBe('hello')
})
