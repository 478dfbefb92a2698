import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { host, listener } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine } from '../support/tls-engine.ts'

const ROUNDS = 10
const AT_A_TIME = 30

test('three hundred clients of each kind that come and go leave nothing behind', { timeout: 120_000 }, async () => {
  const plainPort = await freePort()
  await using engine = await startTlsEngine(
    [
      host({ hostTag: 'a', listeners: ['tls'] }),
      { hostTag: 'plain', default: true, listeners: ['plain'], handler: { type: 'Echo' } },
    ],
    { moreListeners: [listener({ name: 'plain', port: plainPort, tls: false })] },
  )
  const { port } = engine
  const visit = async (version: 'TLSv1.2' | 'TLSv1.3', leave: 'end' | 'destroy' | 'reset') => {
    const client = await connectTls({ port, servername: 'a.test', minVersion: version, maxVersion: version })
    expect(await client.request('hello')).toBe('hello')
    if (leave === 'end') client.socket.end()
    else if (leave === 'destroy') client.socket.destroy()
    else client.transport.resetAndDestroy()
    if (leave === 'end') await client.toEnd()
  }
  /** Ways to come, and to go again. */
  const kinds: Readonly<Record<string, () => Promise<void>>> = {
    'TLS 1.3, ended': () => visit('TLSv1.3', 'end'),
    'TLS 1.2, ended': () => visit('TLSv1.2', 'end'),
    'TLS 1.3, dropped': () => visit('TLSv1.3', 'destroy'),
    'TLS 1.2, reset': () => visit('TLSv1.2', 'reset'),
    refused: async () => {
      await engine.refusal({ servername: 'unknown.test' })
    },
    plain: async () => {
      await using client = await connectRaw({ port: plainPort })
      await client.send('hello')
      expect((await client.bytes(5)).toString()).toBe('hello')
    },
  }
  const descriptors = await engine.openDescriptors()
  for (const come of Object.values(kinds))
    for (let round = 0; round < ROUNDS; round += 1) await Promise.all(Array.from({ length: AT_A_TIME }, come))
  const clients = Object.keys(kinds).length * ROUNDS * AT_A_TIME
  await eventually(
    async () => {
      expect((await engine.status()).clients).toBe(0)
      expect(await engine.openDescriptors()).toBeLessThanOrEqual(descriptors)
      const metrics = await engine.metrics()
      expect(metrics.sum('socketserver_connections_open')).toBe(0)
      expect(metrics.sum('socketserver_connections_accepted_total')).toBe(clients)
      expect(metrics.sum('socketserver_connections_closed_total')).toBe(clients)
      expect(metrics.sum('socketserver_defects_total')).toBe(0)
    },
    { withinMs: 20_000 },
  )
})
