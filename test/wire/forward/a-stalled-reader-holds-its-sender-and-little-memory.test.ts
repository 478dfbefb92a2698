import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type BackendConnection, startBackend } from '../../support/backend.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward, type Part } from '../../support/manifest.ts'

const MB = 1024 * 1024
const TOTAL = 100 * MB
/** Far below what is behind the stalled reader, and above what a collector may leave lying for a while. */
const MOST_GROWTH = 40 * MB

/** A megabyte of its own for each number, so that no piece can be lost, doubled or swapped unseen. */
const piece = (number: number) => Buffer.alloc(MB, createHash('sha256').update(`piece ${number}`).digest())

/** What the whole is, as its receiver must find it. */
const WHOLE = (() => {
  const hash = createHash('sha256')
  for (let number = 0; number < TOTAL / MB; number++) hash.update(piece(number))
  return hash.digest('hex')
})()

interface Stream {
  write(chunk: Buffer): boolean
  end(): unknown
  once(event: 'drain', listener: () => void): unknown
}

/** Sends it all as fast as it is taken, and tells how much it could hand over. */
function send(stream: Stream): { accepted: number } {
  const sent = { accepted: 0 }
  const more = () => {
    while (sent.accepted < TOTAL) {
      const taken = stream.write(piece(sent.accepted / MB))
      sent.accepted += MB
      if (!taken) return void stream.once('drain', more)
    }
    stream.end()
  }
  more()
  return sent
}

/** Resolves once nothing has moved for a second: the sender is held. */
async function isHeld(sent: { accepted: number }): Promise<void> {
  await eventually(
    async () => {
      const before = sent.accepted
      await sleep(1_000)
      if (sent.accepted !== before) throw new Error(`it still moves: ${sent.accepted} bytes`)
    },
    { withinMs: 20_000 },
  )
}

/** Checks a sender that is held behind a stalled reader. */
async function expectHeld(edge: Edge, sent: { accepted: number }, before: number): Promise<void> {
  await isHeld(sent)
  expect(sent.accepted).toBeGreaterThan(0)
  expect(sent.accepted).toBeLessThan(TOTAL / 2)
  expect((await edge.engine.residentBytes()) - before).toBeLessThan(MOST_GROWTH)
}

const WAYS: readonly [string, Part][] = [
  ['plain text', { tls: false }],
  ['TLS', {}],
]

describe.each(WAYS)('over %s', (_name, listener) => {
  const connect = (edge: Edge) => (listener.tls === false ? edge.connectPlain() : edge.connect())

  test('a client that stalls holds its backend, and gets every byte when it reads on', {
    timeout: 120_000,
  }, async () => {
    let sent = { accepted: 0 }
    await using backend = await startBackend(({ socket }) => {
      socket.resume()
      sent = send(socket)
    })
    await using edge = await startEdge({ listener, hosts: [{ handler: forward([backend.backend]) }] })
    const before = await edge.engine.residentBytes()
    await using client = await connect(edge)
    client.socket.pause()
    await eventually(() => expect(sent.accepted).toBeGreaterThan(0))
    await expectHeld(edge, sent, before)

    const hash = createHash('sha256')
    let received = 0
    const whole = new Promise<void>((resolve) => client.socket.once('end', resolve))
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      hash.update(chunk)
    })
    client.socket.resume()
    await whole
    client.socket.end()
    expect(received).toBe(TOTAL)
    expect(hash.digest('hex')).toBe(WHOLE)
    expect((await edge.engine.residentBytes()) - before).toBeLessThan(2 * MOST_GROWTH)
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ sentBytes: TOTAL, reason: 'Completed' })
  })

  test('a backend that stalls holds its client, and gets every byte when it reads on', {
    timeout: 120_000,
  }, async () => {
    const stalled: BackendConnection[] = []
    await using backend = await startBackend((connection) => {
      connection.socket.pause()
      stalled.push(connection)
    })
    await using edge = await startEdge({ listener, hosts: [{ handler: forward([backend.backend]) }] })
    const before = await edge.engine.residentBytes()
    await using client = await connect(edge)
    const sent = send(client.socket)
    await eventually(() => expect(stalled.length).toBe(1))
    await expectHeld(edge, sent, before)

    const hash = createHash('sha256')
    let received = 0
    const socket = stalled[0]?.socket
    if (socket === undefined) throw new Error('the backend has no connection')
    const whole = new Promise<void>((resolve) => socket.once('end', resolve))
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      hash.update(chunk)
    })
    socket.resume()
    await whole
    socket.end()
    await client.toEnd(10_000)
    expect(received).toBe(TOTAL)
    expect(hash.digest('hex')).toBe(WHOLE)
    expect((await edge.engine.residentBytes()) - before).toBeLessThan(2 * MOST_GROWTH)
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ receivedBytes: TOTAL, reason: 'Completed' })
  })
})
