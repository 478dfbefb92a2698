import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import tls from 'node:tls'
import { footprintOf, leavesNothing, type Stage } from './stage.ts'

/** Connects, asks and closes `count` times, `atOnce` at a time; every third with TLS, and every other of those resumed. */
export async function comeAndGo({ tlsPort, plainPort }: Stage, count: number, atOnce = 40): Promise<void> {
  let session: Buffer | undefined
  let left = count
  const plain = () => connect({ port: plainPort, host: '127.0.0.1', noDelay: true })
  const secured = (isResumed: boolean) => {
    const options = isResumed && session ? { session } : {}
    const socket = tls.connect({
      ...{ port: tlsPort, host: '127.0.0.1', servername: 'relay.test', rejectUnauthorized: false },
      ...options,
    })
    if (!session) socket.once('session', (ticket) => (session = ticket))
    return socket
  }
  const visitor = async () => {
    while (left > 0) {
      left -= 1
      await visit(left % 3 === 0 ? secured(left % 2 === 0) : plain())
    }
  }
  await Promise.all(Array.from({ length: atOnce }, visitor))
}

function visit(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk
      if (answer.length >= 5) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => (answer === 'hello' ? resolve() : reject(new Error(`answered "${answer}"`))))
    socket.write('hello')
  })
}

/** Resident memory in megabytes, at its lowest over a second: between two collections it is higher by what is to be collected. */
async function settledMegabytes({ engine }: Stage): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    least = Math.min(least, (await engine.residentBytes()) / 2 ** 20)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return least
}

/** Memory before and after many connections, in megabytes. */
export interface MemoryReport {
  readonly warm: number
  readonly end: number
}

/** Has `count` connections come and go after `warmUp` others; nothing but memory the runtime keeps for itself is left. */
export async function keepsItsMemory(stage: Stage, warmUp: number, count: number): Promise<MemoryReport> {
  await comeAndGo(stage, warmUp)
  const before = await footprintOf(stage)
  const warm = await settledMegabytes(stage)
  await comeAndGo(stage, count)
  await leavesNothing(stage, { ...before, clients: 0, backendClients: 0 })
  const end = await settledMegabytes(stage)
  assert.ok(end > 0)
  return { warm, end }
}
