import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Service, startBackend } from '../../support/backend.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { forward } from '../../support/manifest.ts'

const CLIENTS = 8
/** Of 7 KB on the average: together more than the system holds for a client that does not read. */
const PIECES = 2_000
const STALL_MS = 500

/** Of a client's own bytes, and of a length of its own: a few bytes, or, seldom, more than one read of the engine takes. */
const piece = (client: number, number: number): Buffer => {
  const most = number % 50 === 0 ? 90_000 : 12_000
  const length = number % 3 === 0 ? 1 + ((client * 31 + number) % 50) : (client * 7919 + number * 104_729) % most
  return Buffer.alloc(length, createHash('sha256').update(`client ${client}, piece ${number}`).digest())
}

const whole = (client: number): string => {
  const hash = createHash('sha256')
  for (let number = 0; number < PIECES; number += 1) hash.update(piece(client, number))
  return hash.digest('hex')
}

/** Reads the number of the client, and sends all its pieces, as fast as they are taken or with pauses. */
const send: Service = ({ socket }) => {
  socket.once('data', (asked: Buffer) => {
    const client = Number(asked.toString())
    const more = (number: number): void => {
      if (number === PIECES) return void socket.end()
      const hasRoom = socket.write(piece(client, number))
      if (!hasRoom) socket.once('drain', () => more(number + 1))
      else if ((client + number) % 7 === 0) setImmediate(() => more(number + 1))
      else more(number + 1)
    }
    more(0)
  })
}

/** The digest of what a client gets that begins to read late, and stops now and then. */
async function receive(edge: Edge, number: number): Promise<string> {
  await using client = await edge.connect()
  const hash = createHash('sha256')
  client.socket.write(String(number))
  client.socket.pause()
  await sleep(STALL_MS)
  let chunks = 0
  for await (const chunk of client.socket as Duplex) {
    hash.update(chunk as Buffer)
    chunks += 1
    if ((chunks + number) % 97 === 0) await sleep(number % 5)
  }
  return hash.digest('hex')
}

test('clients that read at their own pace get their own bytes, all of them, in order', {
  timeout: 60_000,
}, async () => {
  await using backend = await startBackend(send)
  await using edge = await startEdge({ hosts: [{ handler: forward([backend.backend]) }] })
  const numbers = Array.from({ length: CLIENTS }, (_, number) => number)
  const got = await Promise.all(numbers.map((number) => receive(edge, number)))
  expect(got).toEqual(numbers.map(whole))
})
