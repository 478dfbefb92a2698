import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createForward } from '../../../../sidecar/handlers/forward.ts'
import { type Backend, digest, echo, pour, record, type Service, startBackend } from '../../../support/backend.ts'
import { createAuthority, createDirectory } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { connectRaw } from '../../../support/raw-client.ts'
import { connectTls } from '../../../support/tls-client.ts'
import { forwardSpec } from './forward-spec.ts'
import { serveClients } from './serve-client.ts'

const authority = createAuthority()
const { certPem: cert, keyPem: key } = authority.issue({ names: ['shop.example.com'] })

/** Bytes that may be held between a sender and a receiver that takes none: socket buffers of kernel and streams. */
const HELD_MAX = 32 * 1024 * 1024

/** One way from a client to a backend: which of the two legs are encrypted. */
interface Way {
  readonly client: 'plain' | 'TLS'
  readonly backend: 'plain' | 'TLS' | 'UNIX'
}

const WAYS: readonly Way[] = [
  { client: 'plain', backend: 'plain' },
  { client: 'TLS', backend: 'plain' },
  { client: 'TLS', backend: 'TLS' },
  { client: 'plain', backend: 'UNIX' },
]

/** A forward of `way` to a backend that does `service`, and a client of it. */
async function setUp(way: Way, service: Service) {
  const path = `${createDirectory()}/backend.sock`
  const options = { plain: {}, TLS: { tls: { cert, key } }, UNIX: { path } }[way.backend]
  const backend: Backend = await startBackend(service, options)
  const spec = forwardSpec([backend], way.backend === 'TLS' ? { tls: { serverName: 'shop.example.com' } } : {})
  const material = { ca: authority.rootPem }
  const handler = createForward({ spec, namespace: undefined, log: () => {}, material: () => material })
  const server = await serveClients(handler, way.client === 'TLS' ? { tls: { cert, key } } : {})
  const client =
    way.client === 'TLS' ? await connectTls({ port: server.port }) : await connectRaw({ port: server.port })
  const socket: Socket = client.socket
  socket.allowHalfOpen = true
  return {
    ...{ backend, server, client, socket },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await backend[Symbol.asyncDispose]()
    },
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe.each(WAYS)('from a $client client to a $backend backend', { timeout: 30_000 }, (way) => {
  test('a client that ends first still gets the megabyte the backend sends after that', async () => {
    const late: Service = ({ socket }) => {
      socket.resume()
      socket.on('end', () => setTimeout(() => pour(1_048_576)({ socket } as never), 50))
    }
    await using it = await setUp(way, late)
    it.socket.end('question')
    expect((await it.client.toEnd()).length).toBe(1_048_576)
    expect(await it.server.nextRecord()).toMatchObject({
      reason: 'Completed',
      receivedBytes: 8,
      sentBytes: 1_048_576,
    })
  })

  test('a backend that ends first still gets the megabyte the client sends after that', async () => {
    await using it = await setUp(way, (connection) => {
      record(connection)
      connection.socket.end('answer')
    })
    expect((await it.client.toEnd()).toString()).toBe('answer')
    await sleep(50)
    it.socket.end(Buffer.alloc(1_048_576, 'x'))
    await eventually(() => expect(it.backend.connections[0]).toMatchObject({ ended: true, receivedBytes: 1_048_576 }))
    expect(it.backend.connections[0]?.received.equals(Buffer.alloc(1_048_576, 'x'))).toBe(true)
    expect(await it.server.nextRecord()).toMatchObject({ reason: 'Completed', receivedBytes: 1_048_576, sentBytes: 6 })
  })

  test('ten megabytes arrive unchanged both ways at once', async () => {
    await using it = await setUp(way, echo)
    const sent = randomBytes(10_000_000)
    it.socket.end(sent)
    const received = await it.client.toEnd(20_000)
    expect(sha256(received)).toBe(sha256(sent))
    const { reason, receivedBytes, sentBytes } = await it.server.nextRecord()
    expect({ reason, receivedBytes, sentBytes }).toEqual({
      reason: 'Completed',
      receivedBytes: 10_000_000,
      sentBytes: 10_000_000,
    })
  })

  test('a client that does not read holds back a backend with 100 megabytes, and loses none of them', async () => {
    const total = 100_000_000
    let taken = 0
    const counted: Service = ({ socket }) => {
      const chunk = Buffer.alloc(65_536)
      let left = total
      const more = () => {
        while (left > 0) {
          const piece = chunk.subarray(0, Math.min(left, chunk.length))
          left -= piece.length
          if (!socket.write(piece, () => (taken += piece.length))) return void socket.once('drain', more)
        }
        socket.end()
      }
      more()
    }
    await using it = await setUp(way, counted)
    it.socket.pause()
    const held = await standstill(() => taken)
    expect(held).toBeLessThan(HELD_MAX)
    expect(it.server.connections[0]?.sentBytes).toBeLessThan(HELD_MAX)
    expect(it.server.connections[0]?.stream.writableLength).toBeLessThan(262_144)
    let received = 0
    it.socket.on('data', (chunk: Buffer) => (received += chunk.length))
    it.socket.resume()
    await once(it.socket, 'end')
    expect(received).toBe(total)
  })

  test('a backend that does not read holds back a client with 100 megabytes', async () => {
    let hears: Socket | undefined
    await using it = await setUp(way, ({ socket }) => {
      hears = socket
      socket.pause()
    })
    const chunk = Buffer.alloc(65_536)
    let taken = 0
    let left = 100_000_000
    const more = () => {
      while (left > 0) {
        left -= chunk.length
        if (!it.socket.write(chunk, () => (taken += chunk.length))) return void it.socket.once('drain', more)
      }
      it.socket.end()
    }
    more()
    const held = await standstill(() => taken)
    expect(held).toBeLessThan(HELD_MAX)
    expect(it.server.connections[0]?.stream.readableLength).toBeLessThan(262_144)
    hears?.on('end', () => hears?.end(`${it.backend.connections[0]?.receivedBytes}`))
    hears?.resume()
    expect((await it.client.toEnd(20_000)).toString()).toBe(`${taken}`)
  })

  test('a client that resets is told to the backend at once', async () => {
    await using it = await setUp(way, echo)
    it.socket.write('hello')
    await it.client.until('hello')
    resetSocket(it.socket)
    expect(await it.server.nextRecord()).toMatchObject({ reason: 'ClientReset' })
    await eventually(() => expect(it.backend.connections[0]?.closed).toBe(true))
    // Neither TLS nor a plain reader may take what came for the whole: the backend saw no end, or an error.
    if (way.backend !== 'UNIX') expect(it.backend.connections[0]?.ended).toBe(false)
    await eventually(() => expect(it.server.connections[0]?.socket.destroyed).toBe(true))
  })

  // A UNIX socket knows no reset: its close is an orderly end.
  test.skipIf(way.backend === 'UNIX')('a backend that resets is told to the client at once', async () => {
    await using it = await setUp(way, ({ socket }) => void socket.once('data', () => resetSocket(socket)))
    it.socket.write('hello')
    await it.client.toEnd()
    expect(await it.server.nextRecord()).toMatchObject({ reason: 'BackendReset', detail: 'ECONNRESET' })
    expect(it.client.broken()?.code).toBe('ECONNRESET')
  })

  test('an answer that comes before the question is whole arrives, though the backend takes no more', async () => {
    await using it = await setUp(way, ({ socket }) => {
      socket.once('data', () => {
        socket.pause()
        socket.end('too large', () => setTimeout(() => socket.destroy(), 20))
      })
    })
    const send = () => void (it.socket.writable && it.socket.write(Buffer.alloc(65_536), send))
    send()
    expect(await it.client.until('too large')).toBe('too large')
    it.socket.destroy()
    expect((await it.server.nextRecord()).reason).toMatch(/^(Completed|ClientReset)$/)
  })
})

test('a hundred clients at once get each its own bytes, and leave no socket behind', async () => {
  await using backend = await startBackend(digest)
  const handler = createForward({ spec: forwardSpec([backend]), namespace: undefined, log: () => {} })
  await using server = await serveClients(handler)
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      await using client = await connectRaw({ port: server.port })
      const sent = Buffer.alloc(100_000 + at, at)
      client.socket.end(sent)
      return (await client.toEnd()).toString() === sha256(sent)
    }),
  )
  expect(answers).toEqual(Array(100).fill(true))
  await eventually(() => expect(server.records).toHaveLength(100))
  expect(new Set(server.records.map(({ reason }) => reason))).toEqual(new Set(['Completed']))
  await eventually(() => expect(handler.backends()).toMatchObject([{ clients: 0, healthy: true, failures: 0 }]))
})

test('bytes in pieces of one arrive in order', async () => {
  await using backend = await startBackend(echo)
  const handler = createForward({ spec: forwardSpec([backend]), namespace: undefined, log: () => {} })
  await using server = await serveClients(handler)
  await using client = await connectRaw({ port: server.port })
  const sent = randomBytes(500)
  await client.send([...sent].map((byte) => Buffer.from([byte])))
  expect((await client.bytes(500)).equals(sent)).toBe(true)
})

/** The count once it no longer grows. */
async function standstill(count: () => number): Promise<number> {
  let last = -1
  while (count() !== last) {
    last = count()
    await sleep(300)
  }
  return last
}

/** Sends a reset, under TLS as well. */
function resetSocket(socket: Socket): void {
  const raw = (socket as unknown as { _parent?: Socket })._parent
  ;(raw ?? socket).resetAndDestroy()
  socket.destroy()
}
