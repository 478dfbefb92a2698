import { expect, test } from 'vitest'
import { createAuthority, type Issued } from '../../support/certificates.ts'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import type { TlsClient } from '../../support/tls-client.ts'

const authority = createAuthority()
const files = ({ certPem, keyPem }: Issued) => ({ 'tls.crt': certPem, 'tls.key': keyPem })

test('clients go on while certificates are replaced under them, and new ones get the new certificate', {
  timeout: 60_000,
}, async () => {
  const secretOf = () => authority.issue({ names: ['a.test'] })
  await using edge = await startEdge({
    hosts: [{}, { hostTag: 'b' }],
    prepare: (workspace) => workspace.mountSecret('a', files(secretOf())),
  })
  await using stack = new AsyncDisposableStack()
  const kept: TlsClient[] = []
  for (let i = 0; i < 8; i++) {
    const isNeighbour = i % 4 === 3
    kept.push(stack.use(await edge.connect(isNeighbour ? { servername: 'b.test' } : { ca: authority.rootPem })))
  }
  let isOver = false
  let exchanged = 0
  // Each keeps talking, byte for byte, over every swap.
  const talking = kept.map(async (client, index) => {
    for (let i = 0; !isOver; i++) {
      const text = `client ${index} says ${i};`
      expect(await client.request(text)).toBe(text)
      exchanged += 1
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })
  const swaps = 5
  for (let i = 0; i < swaps; i++) {
    const next = secretOf()
    await edge.workspace.mountSecret('a', files(next))
    await eventually(async () => {
      // None of these handshakes may fail either, whichever certificate they meet.
      await using client = await edge.connect({ ca: authority.rootPem })
      expect(client.serverSha256).toBe(sha256(next.certificate.raw))
    })
  }
  isOver = true
  await Promise.all(talking)
  expect(exchanged).toBeGreaterThan(kept.length * swaps)
  for (const client of kept) expect(client.broken()).toBeUndefined()
  const metrics = await edge.engine.metrics()
  for (const reason of ['HandshakeFailed', 'NoCertificate', 'HandlerFailed', 'ServerStopped'])
    expect([reason, metrics.sum('socketserver_connections_closed_total', { reason })]).toEqual([reason, 0])
})
