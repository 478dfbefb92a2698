import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'
import type { Part } from '../../support/manifest.ts'

const WAYS: readonly [string, Part][] = [
  ['plain text', { tls: false }],
  ['TLS', {}],
]

test.each(WAYS)('an echo sends 5 MB back over %s, and ends when its client does', async (_name, listener) => {
  await using edge = await startEdge({ listener, hosts: [{}] })
  await using client = listener['tls'] === false ? await edge.connectPlain() : await edge.connect()
  const bytes = randomBytes(5_000_000)
  client.socket.end(bytes)
  const back = await client.toEnd(20_000)
  expect(sha256(back)).toBe(sha256(bytes))
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  const { length } = bytes
  expect(line).toMatchObject({ reason: 'Completed', backend: 'echo', receivedBytes: length, sentBytes: length })
})

test.each(WAYS)(
  'an echo reads no further over %s while its client does not',
  { timeout: 60_000 },
  async (_name, listener) => {
    await using edge = await startEdge({ listener, hosts: [{}] })
    const before = await edge.engine.residentBytes()
    await using client = listener['tls'] === false ? await edge.connectPlain() : await edge.connect()
    client.socket.pause()
    const chunk = Buffer.alloc(1_000_000, 'echo')
    const total = 60
    let sent = 0
    const more = () => {
      while (sent < total) {
        sent += 1
        if (!client.socket.write(chunk)) return void client.socket.once('drain', more)
      }
      client.socket.end()
    }
    more()
    let seen = -1
    while (seen !== sent) {
      seen = sent
      await sleep(1_000)
    }
    expect(sent).toBeLessThan(total / 2)
    expect((await edge.engine.residentBytes()) - before).toBeLessThan(40_000_000)
    const hash = createHash('sha256')
    const whole = createHash('sha256')
    for (let i = 0; i < total; i++) whole.update(chunk)
    const over = new Promise<void>((resolve) => client.socket.once('end', resolve))
    client.socket.on('data', (piece: Buffer) => hash.update(piece))
    client.socket.resume()
    await over
    expect(hash.digest('hex')).toBe(whole.digest('hex'))
  },
)
