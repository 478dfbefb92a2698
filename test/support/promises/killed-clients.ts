import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import tls from 'node:tls'
import { captureClientHello } from '../client-hello.ts'
import { within } from '../deadline.ts'
import { eventually } from '../eventually.ts'
import { type Footprint, footprintOf, leavesNothing, type Stage } from './stage.ts'

/** Where in its life a client is killed. */
export const PHASES = [
  ...['before the hello', 'half a hello', 'mid-handshake', 'connecting to the backend'],
  ...['relaying', 'relaying in the open', 'half closed', 'half closed in the open'],
] as const

/** One of {@link PHASES}. */
export type Phase = (typeof PHASES)[number]

/** A client in its phase. */
interface Victim {
  /** The socket of TCP, which dies. */
  readonly socket: Socket
}

async function tcp(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  await within(20_000, 'a connection', once(socket, 'connect'))
  return socket
}

async function secured(port: number, servername: string): Promise<Victim & { readonly stream: tls.TLSSocket }> {
  const socket = await tcp(port)
  const stream = tls.connect({ socket, servername, rejectUnauthorized: false })
  stream.on('error', () => {})
  await within(20_000, 'a handshake', once(stream, 'secureConnect'))
  return { socket, stream }
}

/** Sends a word and waits until it came back. */
async function echoed(stream: Socket): Promise<void> {
  stream.write('word')
  let have = 0
  while (have < 4) {
    const gone = once(stream, 'close').then(() => Promise.reject(new Error('closed instead of an echo')))
    const [chunk] = (await within(20_000, 'an echo', Promise.race([once(stream, 'data'), gone]))) as [Buffer]
    have += chunk.length
  }
}

/** A client that has come to a phase. */
async function bring({ tlsPort, plainPort, openPort }: Stage, phase: Phase, hello: Buffer): Promise<Victim> {
  switch (phase) {
    case 'before the hello':
      return { socket: await tcp(tlsPort) }
    case 'half a hello':
    case 'mid-handshake': {
      const socket = await tcp(tlsPort)
      socket.write(phase === 'half a hello' ? hello.subarray(0, hello.length / 2) : hello)
      // Unread bytes would turn every end into a reset.
      if (phase === 'mid-handshake') await within(20_000, 'an answer', once(socket, 'data'))
      return { socket }
    }
    case 'connecting to the backend':
      return secured(tlsPort, 'stuck.test')
    case 'relaying': {
      const client = await secured(tlsPort, 'relay.test')
      await echoed(client.stream)
      return client
    }
    case 'relaying in the open': {
      const socket = await tcp(plainPort)
      await echoed(socket)
      return { socket }
    }
    case 'half closed': {
      const client = await secured(tlsPort, 'open.test')
      client.stream.resume().end('the last word')
      await within(20_000, 'its end', once(client.stream, 'finish'))
      return client
    }
    case 'half closed in the open': {
      const socket = await tcp(openPort)
      socket.resume().end('the last word')
      await within(20_000, 'its end', once(socket, 'finish'))
      return { socket }
    }
  }
}

/** What the engine holds once a client has been in each phase: what it opens once and keeps is open. */
export async function footprintAfterOne(stage: Stage): Promise<Footprint> {
  const hello = await captureClientHello({ servername: 'relay.test' })
  for (const phase of PHASES) (await bring(stage, phase, hello)).socket.resetAndDestroy()
  return await eventually(
    async () => {
      const footprint = await footprintOf(stage)
      if (footprint.clients + footprint.backendClients > 0) throw new Error('the first clients are still there')
      return footprint
    },
    { withinMs: 20_000 },
  )
}

/** How many are alive at once: more would wait for each other. */
const WAVE = 250

/**
 * Brings `count` clients to a phase and kills them there, every other by a reset; then waits until the engine holds
 * nothing more than before.
 */
export async function killInPhase(stage: Stage, phase: Phase, count: number, before: Footprint): Promise<void> {
  const hello = await captureClientHello({ servername: 'relay.test' })
  for (let done = 0; done < count; done += WAVE) {
    const wave = await Promise.all(
      Array.from({ length: Math.min(WAVE, count - done) }, () => bring(stage, phase, hello)),
    )
    for (const [at, { socket }] of wave.entries())
      if (at % 2 === 0) socket.resetAndDestroy()
      else socket.destroy()
  }
  await leavesNothing(stage, before)
}
