import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../eventually.ts'
import { connectRaw } from '../raw-client.ts'
import type { Stage } from './stage.ts'

/** Connects clients that never go by themselves, whatever becomes of them. */
export async function crowd(port: number, count: number): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  await Promise.all(
    sockets.map((socket) => {
      socket.resume()
      return new Promise((resolve) => socket.once('connect', resolve).on('error', resolve))
    }),
  )
  return sockets
}

/** The share of one processor that the engine takes over some time. */
export async function processorShare({ engine }: Stage, milliseconds: number): Promise<number> {
  const before = await engine.cpuSeconds()
  const started = performance.now()
  await sleep(milliseconds)
  return ((await engine.cpuSeconds()) - before) / ((performance.now() - started) / 1000)
}

/** Asks a plain client's question; rejects unless it is answered. */
export async function isServed(port: number): Promise<void> {
  await using client = await connectRaw({ port })
  await client.send('hello')
  assert.equal((await client.bytes(5, 2_000)).toString(), 'hello')
}

/** What came of a crowd. */
export interface CrowdReport {
  /** Of one processor, while the crowd waited. */
  readonly processorShare: number
}

/**
 * Lets more clients come to a port than the engine has descriptors for. Those inside are served meanwhile, the engine does not
 * turn in circles, and once the crowd has gone everybody is served again.
 */
export async function outlivesACrowd(stage: Stage, port: number, count: number): Promise<CrowdReport> {
  await using inside = await connectRaw({ port: stage.plainPort })
  const ask = async () => {
    await inside.send('inside')
    assert.equal((await inside.bytes(6)).toString(), 'inside')
  }
  await ask()
  const waiting = await crowd(port, count)
  try {
    await sleep(500)
    const share = await processorShare(stage, 2_000)
    assert.ok(share < 0.5, `the engine takes ${Math.round(share * 100)} % of a processor`)
    await ask()
    return { processorShare: share }
  } finally {
    for (const socket of waiting) socket.destroy()
    await eventually(() => isServed(stage.plainPort), { withinMs: 20_000 })
  }
}
