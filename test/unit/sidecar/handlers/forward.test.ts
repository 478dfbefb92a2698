import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Backend as BackendSpec, ForwardSpec } from '../../../../crds/index.ts'
import { parseProxyHeader } from '../../../../sidecar/engine/proxy-protocol/parse.ts'
import { createForward, createPassthrough, type ForwardOptions } from '../../../../sidecar/handlers/forward.ts'
import { type Backend, echo, greet, record, startBackend } from '../../../support/backend.ts'
import { createAuthority } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { connectRaw } from '../../../support/raw-client.ts'
import { connectTls } from '../../../support/tls-client.ts'
import { forwardSpec } from './forward-spec.ts'
import { serveClients } from './serve-client.ts'

const forward = (spec: ForwardSpec, more: Partial<ForwardOptions> = {}) =>
  createForward({ spec, namespace: undefined, log: () => {}, ...more })

/** The text the backend greets a client of this port with; empty when the client is closed instead. */
async function greeted(port: number): Promise<string> {
  await using client = await connectRaw({ port })
  return (await client.bytes(1).catch(() => '')).toString()
}

/** A port of loopback where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

const children: ChildProcess[] = []
const fillers: Socket[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const socket of fillers.splice(0)) socket.destroy()
})

/** A port whose queue of connections is full: the kernel drops what else wants to connect. */
async function swallowingPort(): Promise<number> {
  const source = `const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(s.address().port)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) })`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [text] = await once(child.stdout, 'data')
  const port = Number(text)
  for (let at = 0; at < 8; at++) fillers.push(connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  await new Promise((resolve) => setTimeout(resolve, 100))
  return port
}

const at = (port: number, weight = 1): BackendSpec => ({ host: '127.0.0.1', port, weight })

describe('several backends', () => {
  test('clients are spread by weight', async () => {
    await using a = await startBackend(greet('a'))
    await using b = await startBackend(greet('b'))
    await using unused = await startBackend(greet('c'))
    await using server = await serveClients(forward(forwardSpec([at(a.port, 3), at(b.port, 1), at(unused.port, 0)])))
    let seen = ''
    for (let client = 0; client < 8; client++) seen += await greeted(server.port)
    expect(seen).toBe('aabaaaba')
  })

  test('a client goes to the backend with the fewest clients', async () => {
    await using a = await startBackend(greet('a'))
    await using b = await startBackend(greet('b'))
    const handler = forward(forwardSpec([a, b], { balance: 'LeastClients' }))
    await using server = await serveClients(handler)
    await using first = await connectRaw({ port: server.port })
    const busy = await first.until('a')
    expect(await greeted(server.port)).toBe('b')
    await eventually(() => expect(handler.backends()).toMatchObject([{ clients: 1 }, { clients: 0 }]))
    expect(busy + (await greeted(server.port))).toBe('ab')
  })

  test('the next one serves when one refuses, and the one that refuses is passed over', async () => {
    const lines: unknown[] = []
    await using good = await startBackend(greet('b'))
    const dead = await deadPort()
    const log = (...line: unknown[]) => void lines.push(line)
    const handler = forward(forwardSpec([at(dead), at(good.port)]), { log })
    await using server = await serveClients(handler)
    for (let client = 0; client < 6; client++) expect(await greeted(server.port)).toBe('b')
    expect(handler.backends()).toMatchObject([
      { name: `127.0.0.1:${dead}`, healthy: false, clients: 0, failures: 1 },
      { name: `127.0.0.1:${good.port}`, healthy: true, failures: 0 },
    ])
    expect((await server.nextRecord()).backend).toBe(`127.0.0.1:${good.port}`)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject(['warn', 'backend does not accept', { cause: 'refused' }])
  })

  test('one that is back serves again when its time is up', async () => {
    const lines: unknown[] = []
    let now = 0
    const port = await deadPort()
    await using good = await startBackend(greet('b'))
    const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
    const handler = forward(forwardSpec([at(port), at(good.port)]), { now: () => now, log })
    await using server = await serveClients(handler)
    expect(await greeted(server.port)).toBe('b')
    await using _back = await startBackend(greet('a'), { port })
    expect((await greeted(server.port)) + (await greeted(server.port))).toBe('bb')
    now = 1_000
    const seen = [await greeted(server.port), await greeted(server.port), await greeted(server.port)]
    expect(new Set(seen)).toEqual(new Set(['a', 'b']))
    expect(handler.backends()).toMatchObject([{ healthy: true, failures: 1 }, { healthy: true }])
    expect(lines).toEqual(['warn: backend does not accept', 'info: backend is back'])
  })

  test('all refuse: the client is closed with every cause, and the next client tries them all again', async () => {
    const [first, second] = [await deadPort(), await deadPort()]
    const handler = forward(forwardSpec([at(first), at(second)]))
    await using server = await serveClients(handler)
    for (const failures of [1, 2]) {
      expect(await greeted(server.port)).toBe('')
      const { reason, detail } = await server.nextRecord()
      expect(reason).toBe('BackendUnreachable')
      expect(detail).toContain(`127.0.0.1:${first}: connect ECONNREFUSED`)
      expect(detail).toContain(`127.0.0.1:${second}: connect ECONNREFUSED`)
      expect(handler.backends()).toMatchObject([{ failures }, { failures }])
    }
  })

  test('a name that DNS does not know is no different from a backend that refuses', async () => {
    await using good = await startBackend(greet('b'))
    const service = { service: { name: 'nobody', port: 80 }, weight: 1 }
    await using server = await serveClients(forward(forwardSpec([service, at(good.port)]), { namespace: 'invalid' }))
    expect(await greeted(server.port)).toBe('b')
    await using alone = await serveClients(forward(forwardSpec([service])))
    expect(await greeted(alone.port)).toBe('')
    expect(await alone.nextRecord()).toMatchObject({ reason: 'BackendUnreachable', backend: 'nobody:80' })
  })

  test('a UNIX socket that is not there is no different from a backend that refuses', async () => {
    await using server = await serveClients(forward(forwardSpec([{ unixPath: '/nowhere/at.sock', weight: 1 }])))
    expect(await greeted(server.port)).toBe('')
    expect((await server.nextRecord()).detail).toContain('unix:/nowhere/at.sock: connect ENOENT')
  })
})

describe('a backend that swallows connects', () => {
  test('costs the connect time, then the next one serves', async () => {
    const port = await swallowingPort()
    await using good = await startBackend(greet('b'))
    const handler = forward(forwardSpec([at(port), at(good.port)]), { connectMs: 300 })
    await using server = await serveClients(handler)
    const started = performance.now()
    expect(await greeted(server.port)).toBe('b')
    expect(performance.now() - started).toBeGreaterThan(290)
    expect(await greeted(server.port)).toBe('b')
    expect(handler.backends()).toMatchObject([{ healthy: false, failures: 1 }, { healthy: true }])
  })

  test('alone, it costs the client its connection', async () => {
    const port = await swallowingPort()
    await using server = await serveClients(forward(forwardSpec([at(port)]), { connectMs: 300 }))
    expect(await greeted(server.port)).toBe('')
    expect(await server.nextRecord()).toMatchObject({ reason: 'BackendTimeout', backend: `127.0.0.1:${port}` })
  })

  test('is given up when the client resets meanwhile', async () => {
    const port = await swallowingPort()
    const handler = forward(forwardSpec([at(port)]))
    await using server = await serveClients(handler)
    await using client = await connectRaw({ port: server.port })
    await client.send('hello')
    await eventually(() => expect(handler.backends()).toMatchObject([{ clients: 1 }]))
    client.socket.resetAndDestroy()
    expect(await server.nextRecord()).toMatchObject({ reason: 'ClientReset' })
    await eventually(() => expect(handler.backends()).toMatchObject([{ clients: 0, healthy: true, failures: 0 }]))
  })

  test('does not let more of the client be read than the buffer holds', async () => {
    const port = await swallowingPort()
    await using server = await serveClients(forward(forwardSpec([at(port)]), { connectMs: 1_000 }))
    await using client = await connectRaw({ port: server.port })
    client.socket.write(Buffer.alloc(20_000_000))
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(server.connections[0]?.stream.readableLength).toBeLessThan(262_144)
    expect(server.connections[0]?.receivedBytes).toBe(0)
  })
})

test('what a client sent and ended before the backend accepted arrives whole', async () => {
  await using backend = await startBackend(record)
  await using server = await serveClients(forward(forwardSpec([backend])))
  await using client = await connectRaw({ port: server.port })
  client.socket.end('all of it')
  await eventually(() => expect(backend.connections[0]).toMatchObject({ ended: true }))
  expect(backend.connections[0]?.received.toString()).toBe('all of it')
})

describe('the PROXY protocol header', () => {
  const facts = { peerAddress: '203.0.113.7', peerPort: 5555, localAddress: '203.0.113.8', localPort: 443 }
  const ends = {
    source: { address: '203.0.113.7', port: 5555 },
    destination: { address: '203.0.113.8', port: 443 },
  }
  const received = async (backend: Backend, text: string) =>
    await eventually(() => {
      const bytes = backend.connections[0]?.received ?? Buffer.alloc(0)
      expect(bytes.toString()).toContain(text)
      return bytes
    })

  test('of version 1 comes before the first byte of the client', async () => {
    await using backend = await startBackend(record)
    await using server = await serveClients(forward(forwardSpec([backend], { proxyProtocol: 'V1' })), { facts })
    await using client = await connectRaw({ port: server.port })
    await client.send('hello')
    expect((await received(backend, 'hello')).toString()).toBe('PROXY TCP4 203.0.113.7 203.0.113.8 5555 443\r\nhello')
  })

  test('comes at once, before the client says anything', async () => {
    await using backend = await startBackend(record)
    await using server = await serveClients(forward(forwardSpec([backend], { proxyProtocol: 'V1' })), { facts })
    await using _ = await connectRaw({ port: server.port })
    await received(backend, 'PROXY ')
  })

  test('of version 2 tells what TLS settled with the client', async () => {
    const authority = createAuthority()
    const { certPem: cert, keyPem: key } = authority.issue({ names: ['a.example'] })
    const tls = {
      cert,
      key,
      ALPNProtocols: ['h2'],
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    } as const
    await using backend = await startBackend(record)
    await using server = await serveClients(forward(forwardSpec([backend], { proxyProtocol: 'V2' })), {
      tls,
      facts: { ...facts, serverName: 'a.example' },
    })
    await using client = await connectTls({ port: server.port, ALPNProtocols: ['h2'] })
    client.socket.write('hello')
    const bytes = await received(backend, 'hello')
    const header = parseProxyHeader(bytes)
    expect(header).toMatchObject({ kind: 'header', version: 2, length: bytes.length - 5, ...ends })
    if (header.kind !== 'header') return
    expect(header.tlvs.map(({ type, value }) => [type, value.toString('latin1')])).toEqual([
      [0x01, 'h2'],
      [0x02, 'a.example'],
      [0x05, 'c-1'],
      // OpenSSL's name of the cipher, not the standard one: it is what receivers know.
      [0x20, '\x01\0\0\0\x01\x21\0\x07TLSv1.2\x23\0\x1dECDHE-ECDSA-AES128-GCM-SHA256'],
      [0xe0, 'shop'],
    ])
  })

  test('is sent by Passthrough too, with the server name and without TLS facts', async () => {
    await using backend = await startBackend(record)
    const handler = createPassthrough({
      spec: forwardSpec([backend], { proxyProtocol: 'V2' }),
      namespace: undefined,
      log: () => {},
    })
    await using server = await serveClients(handler, { facts: { ...facts, serverName: 'a.example' } })
    await using client = await connectRaw({ port: server.port })
    await client.send('hello')
    const header = parseProxyHeader(await received(backend, 'hello'))
    expect(header).toMatchObject({ kind: 'header', ...ends })
    if (header.kind === 'header') expect(header.tlvs.map(({ type }) => type)).toEqual([0x02, 0x05, 0xe0])
  })
})

test('Passthrough hands the TLS stream on untouched', async () => {
  const { certPem: cert, keyPem: key } = createAuthority().issue({ names: ['vault.example'] })
  await using backend = await startBackend(echo, { tls: { cert, key } })
  const handler = createPassthrough({ spec: forwardSpec([backend]), namespace: undefined, log: () => {} })
  await using server = await serveClients(handler)
  await using client = await connectTls({ port: server.port, servername: 'vault.example' })
  expect(client.serverNames).toEqual(['vault.example'])
  expect(await client.request('secret')).toBe('secret')
})
