import { once } from 'node:events'
import { expect, test } from 'vitest'
import { greet, startBackend } from '../support/backend.ts'
import { forward, host, listener } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine } from '../support/tls-engine.ts'
import { startTwoDoors } from '../support/two-doors.ts'

const banner = '220 mail.test ESMTP, grüße\r\n'

for (const door of ['tls', 'plain'] as const)
  test(`a client of a ${door} listener gets the banner without a word of its own, and then what it asks for`, async () => {
    await using engine = await startTwoDoors({ banner })
    await using client = await engine[door].connect()
    expect((await client.bytes(Buffer.byteLength(banner))).toString()).toBe(banner)
    client.socket.write('hello')
    client.socket.end()
    expect((await client.toEnd()).toString()).toBe('hello')
    const line = await engine.waitForLog((one) => one.message === 'client closed')
    // The banner is sent to the client, so it counts.
    expect(line).toMatchObject({ reason: 'Completed', sentBytes: Buffer.byteLength(banner) + 5, receivedBytes: 5 })
  })

for (const door of ['tls', 'plain'] as const)
  test(`the banner comes before what a backend sends at once, on a ${door} listener`, async () => {
    await using backend = await startBackend(greet('backend'))
    await using engine = await startTwoDoors({ banner }, { handler: forward([backend.backend]) })
    await using client = await engine[door].connect()
    expect(await client.until('backend')).toBe(`${banner}backend`)
    // It is for the client, and nothing of it reaches the backend.
    client.socket.write('x')
    expect((await client.bytes(1)).toString()).toBe('x')
    expect(backend.connections[0]?.receivedBytes).toBe(1)
  })

test('a Redirect host sends none: its clients would take it for a broken answer', async () => {
  await using engine = await startTwoDoors({ banner }, { handler: { type: 'Redirect' } })
  const answer = await fetch(`http://127.0.0.1:${engine.plain.port}/path`, { redirect: 'manual' })
  expect(answer.status).toBe(302)
  await using client = await engine.tls.connect()
  client.socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  expect((await client.toEnd()).toString()).toMatch(/^HTTP\/1.1 302 Found\r\n/)
})

test('a Passthrough host sends none: its TLS is not ended here', async () => {
  await using origin = await startTwoDoors()
  const port = await freePort()
  const passthrough = { type: 'Passthrough', passthrough: { backends: [{ host: '127.0.0.1', port: origin.tls.port }] } }
  await using _ = await startTlsEngine(
    [{ hostTag: 'p', hostNames: ['a.test'], handler: passthrough }, host({ hostTag: 'b' })],
    { spec: { banner, listeners: [listener({ port })] } },
  )
  await using client = await connectTls({ port, servername: 'a.test' })
  expect(await client.request('hello')).toBe('hello')
  await using other = await connectTls({ port, servername: 'b.test' })
  expect((await other.bytes(Buffer.byteLength(banner))).toString()).toBe(banner)
})

test('nothing is said in the open on a TLS listener', async () => {
  await using engine = await startTwoDoors({ banner, timeouts: { handshakeSeconds: 1 } })
  await using client = await connectRaw({ port: engine.tls.port })
  await once(client.socket.resume(), 'end')
  expect(client.socket.bytesRead).toBe(0)
})
