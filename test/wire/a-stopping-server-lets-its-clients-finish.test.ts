import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { type EngineProcess, startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { forward, host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls, type TlsClient } from '../support/tls-client.ts'
import { createWorkspace } from '../support/workspace.ts'

const PAUSE_MS = 2_500
const BODY = 'twelve bytes'

/** An HTTP server that keeps its connections and answers in the ways of its paths. */
async function startHttp() {
  const server = createServer(async (request, response) => {
    if (request.url === '/late') await sleep(PAUSE_MS)
    const half = BODY.slice(0, 6)
    if (request.url === '/paused') response.writeHead(200, { 'content-length': BODY.length }).write(half)
    else if (request.url === '/chunked') response.writeHead(200).write(half)
    else {
      response.end(BODY)
      return
    }
    await sleep(PAUSE_MS)
    response.end(BODY.slice(6))
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    backend: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`

/** Sends a request and reads the answer to its end, which the last bytes of the body are. */
async function ask(client: TlsClient, path: string): Promise<string> {
  client.socket.write(get(path))
  const head = await client.until('\r\n\r\n')
  return head + (await client.until(path === '/chunked' ? '0\r\n\r\n' : BODY.slice(6), 15_000))
}

async function startServing(backend: Part, drainSeconds: number, args: readonly string[] = [], changes: Part = {}) {
  const port = await freePort()
  const workspace = await createWorkspace()
  const { certPem, keyPem } = createAuthority().issue({ names: ['a.test'] })
  await workspace.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  const engine = await startEngine({
    secrets: workspace.secrets,
    args,
    manifest: socketServer({
      timeouts: { drainSeconds },
      listeners: [listener({ port })],
      icsHosts: [host({ handler: forward([backend]), ...changes })],
    }),
  })
  return {
    engine,
    at: { port, servername: 'a.test' },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

const closes = (engine: EngineProcess) => engine.lines.filter((line) => line.message === 'client closed')

test('SIGTERM: not ready at once, accepting for the pre-stop time, then no more', async () => {
  await using http = await startHttp()
  await using server = await startServing(http.backend, 30, ['--pre-stop', '2'])
  const { engine, at } = server
  const began = performance.now()
  engine.signal('SIGTERM')
  await eventually(async () => expect((await engine.admin('/readyz')).code).toBe(503))
  expect((await engine.admin('/readyz')).body).toContain('the server is stopping')
  expect((await engine.admin('/livez')).code).toBe(200)
  let served = 0
  for (;;) {
    const client = await connectTls(at).catch(() => undefined)
    if (client === undefined) break
    await using _ = client
    expect(await ask(client, '/')).toContain(BODY)
    served = performance.now() - began
    await sleep(20)
  }
  expect(served).toBeGreaterThan(1_000)
  expect(await engine.exit()).toMatchObject({ code: 0 })
})

test('a client that keeps its connection and asks nothing is not waited for; one in a request is, to its last byte', async () => {
  await using http = await startHttp()
  await using server = await startServing(http.backend, 60)
  const { engine, at } = server
  await using idle = await connectTls(at)
  await ask(idle, '/')
  await using idleChunked = await connectTls(at)
  await ask(idleChunked, '/chunked')
  const clients = await Promise.all(
    ['/late', '/paused', '/chunked'].map(async (path) => ({ path, client: await connectTls(at) })),
  )
  const answers = clients.map(({ path, client }) => ask(client, path))
  // One that asks all the time, and so is never quiet, is let go between two requests.
  const busy = await connectTls(at)
  let asked = 0
  const asking = (async () => {
    for (;;) {
      busy.socket.write(get('/'))
      const head = await busy.until('\r\n\r\n').catch((error: Error) => error)
      // The end may come instead of an answer, never in one.
      if (head instanceof Error) return head.message
      await busy.until(BODY)
      asked += 1
    }
  })()
  await eventually(() => expect(asked).toBeGreaterThan(3))
  const began = performance.now()
  engine.signal('SIGTERM')

  expect((await idle.toEnd(10_000)).length).toBe(0)
  expect((await idleChunked.toEnd(10_000)).length).toBe(0)
  expect(performance.now() - began).toBeLessThan(PAUSE_MS * 2)
  for (const [at, answer] of (await Promise.all(answers)).entries()) {
    expect(answer.replaceAll(/\r\n[0-9a-f]+\r\n/g, '')).toContain(BODY.slice(6))
    expect((await clients[at]?.client.toEnd(10_000))?.length).toBe(0)
  }
  busy.socket.destroy()
  expect(await asking).toMatch(/received ""$/)
  expect(await engine.exit()).toMatchObject({ code: 0 })
  expect(performance.now() - began).toBeLessThan(30_000)
  const between = closes(engine).filter((line) => line['detail'] === 'between two requests')
  expect(between).toHaveLength(5)
  expect(between.every((line) => line['reason'] === 'ServerStopped')).toBe(true)
})

test('who asks without a pause is let go between two requests, before the time is over', async () => {
  await using http = await startHttp()
  await using server = await startServing(http.backend, 3)
  const { engine, at } = server
  await using client = await connectTls(at)
  let answered = 0
  const asking = (async () => {
    for (;;) {
      client.socket.write(get('/'))
      const head = await client.until('\r\n\r\n').catch((error: Error) => error)
      if (head instanceof Error) return head.message
      await client.until(BODY)
      answered += 1
      await sleep(300)
    }
  })()
  await eventually(() => expect(answered).toBeGreaterThan(1))
  engine.signal('SIGTERM')
  expect(await asking).toMatch(/received ""$/)
  expect(await engine.exit()).toMatchObject({ code: 0 })
  expect(closes(engine)).toMatchObject([{ reason: 'ServerStopped', detail: 'between two requests' }])
})

test('a client of another protocol may finish for drainSeconds, and is closed then', async () => {
  await using http = await startHttp()
  await using server = await startServing(http.backend, 3, [], { handler: { type: 'Echo' } })
  const { engine, at } = server
  await using client = await connectTls(at)
  expect(await client.request('hello')).toBe('hello')
  const began = performance.now()
  engine.signal('SIGTERM')
  await sleep(1_800)
  expect(await client.request('still here')).toBe('still here')
  await client.toEnd(10_000)
  expect(performance.now() - began).toBeGreaterThan(2_900)
  expect(await engine.exit()).toMatchObject({ code: 0 })
  expect(closes(engine)).toMatchObject([{ reason: 'ServerStopped' }])
})

test('a second signal ends at once, during the pre-stop time and after it', async () => {
  await using http = await startHttp()
  for (const args of [['--pre-stop', '60'], []]) {
    await using server = await startServing(http.backend, 60, args, { handler: { type: 'Echo' } })
    const { engine, at } = server
    await using client = await connectTls(at)
    await client.request('hello')
    engine.signal('SIGTERM')
    await engine.waitForLog((line) => line.message === 'server stopping')
    await sleep(700)
    engine.signal('SIGTERM')
    expect(await engine.exit(5_000)).toMatchObject({ code: 0 })
    await client.toEnd()
  }
})

test('a client that connected to a redirect and sent nothing is not waited for', async () => {
  const port = await freePort()
  await using engine = await startEngine({
    manifest: socketServer({
      timeouts: { drainSeconds: 60 },
      listeners: [listener({ port, tls: false, handler: { type: 'Redirect' } })],
    }),
  })
  await using client = await connectRaw({ port })
  await eventually(async () => expect((await engine.status()).clients).toBe(1))
  engine.signal('SIGTERM')
  await client.toEnd(5_000)
  expect(await engine.exit()).toMatchObject({ code: 0 })
})
