import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { echo, record, startBackend } from '../support/backend.ts'
import { inPieces } from '../support/client-hello.ts'
import { eventually } from '../support/eventually.ts'
import { forward, host, type Part } from '../support/manifest.ts'
import { startSwallowing } from '../support/swallowing-backend.ts'
import { connectTls, type TlsClient } from '../support/tls-client.ts'
import { startTlsEngine } from '../support/tls-engine.ts'
import { ask, startTwoDoors } from '../support/two-doors.ts'

// Much of it is waiting for time to pass, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

/** Milliseconds until the other side ends the connection. */
async function endOf(client: TlsClient): Promise<number> {
  const started = performance.now()
  await client.toEnd(20_000)
  return performance.now() - started
}

describe('idleSeconds', () => {
  test('closes a client once no byte moved in either direction for that long, and no other', async () => {
    // Sends a byte now and then and reads nothing.
    await using talking = await startBackend(({ socket }) => {
      socket.resume()
      const timer = setInterval(() => socket.write('.'), 200)
      socket.on('close', () => clearInterval(timer))
    })
    await using listening = await startBackend(record)
    const hosts = [
      host({ hostTag: 'talking', handler: forward([talking.backend]) }),
      host({ hostTag: 'listening', handler: forward([listening.backend]) }),
      host({ hostTag: 'silent', handler: forward([listening.backend]) }),
    ]
    await using engine = await startTlsEngine(hosts, { spec: { timeouts: { idleSeconds: 1 } } })
    const at = (tag: string) => connectTls({ port: engine.port, servername: `${tag}.test` })
    const [receiving, sending] = [await at('talking'), await at('listening')]
    await using silent = await at('silent')
    const timer = setInterval(() => sending.socket.write('.'), 200)
    try {
      let seen = 0
      receiving.socket.on('data', (chunk: Buffer) => (seen += chunk.length))
      const age = await endOf(silent)
      expect(age).toBeGreaterThan(950)
      expect(age).toBeLessThan(6_000)
      await eventually(() => expect(seen).toBeGreaterThan(12), { withinMs: 15_000 })
      expect([receiving, sending].some(({ socket }) => socket.destroyed || socket.readableEnded)).toBe(false)
      expect(await engine.closed('IdleTooLong')).toBe(1)
      expect(await engine.closed('IdleTooLong', 'silent')).toBe(1)
    } finally {
      clearInterval(timer)
      sending.socket.destroy()
      receiving.socket.destroy()
    }
  })

  test('counts from the end of a handshake, however long that took', async () => {
    await using engine = await startTwoDoors({ timeouts: { idleSeconds: 1 } })
    const cutHello = (hello: Buffer) => inPieces(hello, Math.ceil(hello.length / 4))
    const at = { port: engine.tls.port, servername: 'a.test' }
    await using client = await connectTls({ ...at, cutHello, pieceDelayMs: 600 })
    // Several looks for idle clients.
    await sleep(400)
    expect(await client.request('hello')).toBe('hello')
    expect(await endOf(client)).toBeGreaterThan(950)
  })

  test('counts a client that does not take what it asked for as idle', async () => {
    await using backend = await startBackend(({ socket }) => {
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      }
      socket.resume().on('drain', more)
      more()
    })
    await using engine = await startTwoDoors({ timeouts: { idleSeconds: 1 } }, { handler: forward([backend.backend]) })
    const clients = [await engine.tls.connect(), await engine.plain.connect()]
    await eventually(async () => expect(await engine.closed('IdleTooLong')).toBe(2), { withinMs: 20_000 })
    for (const { socket } of clients) socket.destroy()
  })
})

test('lifetimeSeconds closes a client that long after its accept, however busy it is', async () => {
  await using engine = await startTwoDoors({ timeouts: { lifetimeSeconds: 2 } })
  for (const door of [engine.tls, engine.plain]) {
    await using client = await door.connect()
    const started = performance.now()
    const busy = (async () => {
      while (!client.socket.destroyed && client.broken() === undefined) {
        await ask(client, 'busy')
        await sleep(20)
      }
    })()
    await expect(busy).rejects.toThrow(/the stream (ended|broke)/)
    const age = performance.now() - started
    expect(age).toBeGreaterThan(1_900)
    expect(age).toBeLessThan(10_000)
  }
  expect(await engine.closed('LivedTooLong')).toBe(2)
})

test('connectSeconds is all a backend has to accept; the next one serves the client', async () => {
  await using silent = await startSwallowing()
  await using good = await startBackend(echo)
  const alone = forward([silent.backend])
  const both = forward([silent.backend, good.backend])
  const hosts = [host({ hostTag: 'alone', handler: alone }), host({ hostTag: 'both', handler: both })]
  await using engine = await startTlsEngine(hosts, { spec: { timeouts: { connectSeconds: 1 } } })
  await using client = await connectTls({ port: engine.port, servername: 'alone.test' })
  const age = await endOf(client)
  expect(age).toBeGreaterThan(900)
  expect(age).toBeLessThan(8_000)
  expect(await engine.closed('BackendTimeout', 'alone')).toBe(1)
  // With round robin one of two clients meets the silent one first.
  for (let i = 0; i < 2; i++) {
    await using other = await connectTls({ port: engine.port, servername: 'both.test' })
    other.socket.write('hello')
    expect((await other.bytes(5, 15_000)).toString()).toBe('hello')
  }
})

describe('drainSeconds', () => {
  const spec: Part = { timeouts: { drainSeconds: 2 } }

  test('is how long clients may go on after SIGTERM, and then they are closed', async () => {
    await using engine = await startTwoDoors(spec)
    await using client = await engine.tls.connect()
    expect(await ask(client)).toBe('hello')
    const started = performance.now()
    const ended = engine.stop('SIGTERM', 20_000)
    await engine.waitForLog((line) => line.message === 'server stopping')
    await eventually(async () => await expect(engine.plain.connect()).rejects.toThrow(/ECONNREFUSED/))
    while (performance.now() - started < 1_500) {
      expect(await ask(client)).toBe('hello')
      await sleep(50)
    }
    await client.toEnd(15_000)
    expect(await ended).toEqual({ code: 0, signal: null })
    const age = performance.now() - started
    expect(age).toBeGreaterThan(1_900)
    expect(age).toBeLessThan(12_000)
    await engine.waitForLog((line) => line['reason'] === 'ServerStopped')
  })

  test('is not waited for when the last client has left', async () => {
    await using engine = await startTwoDoors({ timeouts: { drainSeconds: 60 } })
    await using client = await engine.tls.connect()
    expect(await ask(client)).toBe('hello')
    const ended = engine.stop('SIGTERM', 30_000)
    await engine.waitForLog((line) => line.message === 'server stopping')
    expect(await ask(client)).toBe('hello')
    client.socket.end()
    expect(await ended).toEqual({ code: 0, signal: null })
  })
})
