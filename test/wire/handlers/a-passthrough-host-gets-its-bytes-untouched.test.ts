import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { digest, echo, greet, record, startBackend } from '../../support/backend.ts'
import { createAuthority } from '../../support/certificates.ts'
import { captureClientHello, inPieces } from '../../support/client-hello.ts'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import type { Part } from '../../support/manifest.ts'
import { connectRaw } from '../../support/raw-client.ts'

const theirs = createAuthority()
const vault = theirs.issue({ names: ['vault.test'] })
const tls = { cert: vault.certPem, key: vault.keyPem }

const through = (backends: readonly Part[], changes: Part = {}): Part => ({
  hostTag: 'vault',
  certificate: undefined,
  handler: { type: 'Passthrough', passthrough: { backends } },
  ...changes,
})

test('a client of a Passthrough host sees the certificate of its backend, beside a host that ends TLS on the same port', async () => {
  await using backend = await startBackend(echo, { tls: { ...tls, ALPNProtocols: ['vault/1'] } })
  await using edge = await startEdge({ hosts: [{}, through([backend.backend])] })
  const options = { servername: 'vault.test', ca: theirs.rootPem, ALPNProtocols: ['vault/1'] }
  await using client = await edge.connect(options)
  expect(client.serverNames).toEqual(['vault.test'])
  expect(client.serverSha256).toBe(sha256(vault.certificate.raw))
  expect(client.alpn).toBe('vault/1')
  expect(await client.request('hello')).toBe('hello')
  const socket = backend.connections[0]?.socket as TLSSocket & { readonly servername: string }
  expect(socket.servername).toBe('vault.test')

  await using beside = await edge.connect()
  expect(beside.serverNames).toEqual(['a.test'])
  expect(await beside.request('hello')).toBe('hello')

  // The session is that of the backend as well: nothing between the two knows its keys.
  await using again = await edge.connect({ ...options, session: await client.session() })
  expect(again.resumed).toBe(true)
  client.socket.destroy()
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed' && one['host'] === 'vault')
  expect(line).toMatchObject({ serverName: 'vault.test', backend: `127.0.0.1:${backend.port}` })
  expect(line).not.toHaveProperty('tlsVersion')
})

test('the hello reaches the backend byte by byte as it came, and so do the bytes behind it', async () => {
  await using backend = await startBackend(record)
  await using edge = await startEdge({ hosts: [{}, through([backend.backend])] })
  const hello = await captureClientHello({ servername: 'vault.test' })
  const bytes = Buffer.concat([hello, Buffer.from('no TLS at all, and nobody minds')])
  for (const [index, pieces] of [[bytes], inPieces(bytes, 97)].entries()) {
    await using client = await connectRaw({ port: edge.port })
    await client.send(pieces, 1)
    await eventually(() => expect(backend.connections[index]?.received.length).toBe(bytes.length))
    expect(backend.connections[index]?.received.equals(bytes)).toBe(true)
  }
})

test('each side may end its direction alone, and ten megabytes arrive whole', async () => {
  await using backend = await startBackend(digest, { tls })
  await using edge = await startEdge({ hosts: [{}, through([backend.backend])] })
  await using client = await edge.connect({ servername: 'vault.test', ca: theirs.rootPem })
  const words = Buffer.alloc(10_000_000, createHash('sha512').update('x').digest())
  client.socket.end(words)
  expect((await client.toEnd(20_000)).toString()).toBe(sha256(words))
})

test('the default host of a listener may pass through what has no server name, or one that no host has', async () => {
  await using backend = await startBackend(greet('from behind'), { tls })
  await using edge = await startEdge({ hosts: [{}, through([backend.backend], { default: true })] })
  for (const servername of [undefined, 'nobody.test']) {
    await using client = await edge.connect({ servername, ca: undefined })
    expect(await client.until('behind')).toBe('from behind')
    expect(client.serverNames).toEqual(['vault.test'])
  }
})

test('clients of a Passthrough host go to the next backend when one refuses, and are spread by balance', async () => {
  await using one = await startBackend(greet('one'), { tls })
  await using two = await startBackend(greet('two'), { tls })
  await using gone = await startBackend(greet('gone'), { tls })
  await gone.close()
  await using edge = await startEdge({ hosts: [{}, through([gone.backend, one.backend, two.backend])] })
  const heard = []
  for (let i = 0; i < 4; i++) {
    await using client = await edge.connect({ servername: 'vault.test', ca: theirs.rootPem })
    heard.push((await client.bytes(3)).toString())
  }
  expect([...heard].sort()).toEqual(['one', 'one', 'two', 'two'])
})

test('a client of a Passthrough host whose backend is gone is closed, and the hosts beside it are served', async () => {
  await using backend = await startBackend(echo)
  await backend.close()
  await using edge = await startEdge({ hosts: [{}, through([backend.backend])] })
  await expect(edge.connect({ servername: 'vault.test', ca: theirs.rootPem })).rejects.toThrow()
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toMatchObject({ host: 'vault', reason: 'BackendUnreachable' })
  await using beside = await edge.connect()
  expect(await beside.request('hello')).toBe('hello')
})
