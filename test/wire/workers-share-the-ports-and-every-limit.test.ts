import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { runCommand } from '../support/command.ts'
import { type EngineOptions, type EngineProcess, startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { startLoad } from '../support/steady-load.ts'
import { connectTls } from '../support/tls-client.ts'
import { createWorkspace } from '../support/workspace.ts'

const own = (port: number, changes: Part = {}) =>
  listener({ name: 'plain', port, tls: false, handler: { type: 'Echo' }, ...changes })

const startWorkers = (options: EngineOptions, workers = '3'): Promise<EngineProcess> =>
  startEngine({ ...options, args: ['--workers', workers, ...(options.args ?? [])], readyWithinMs: 40_000 })

/** Process ids of the workers as they were told, the latest of each. */
function pidsOf(engine: EngineProcess): Map<number, number> {
  const started = engine.lines.filter((line) => line.message === 'worker started')
  return new Map(started.map((line) => [Number(line['worker']), Number(line['pid'])]))
}

/** A client that is served, or the text it was refused with. */
async function enter(port: number, host = '127.0.0.1'): Promise<RawClient | string> {
  const client = await connectRaw({ port, host })
  await client.send('?')
  const first = (await client.bytes(1)).toString()
  if (first === '?') return client
  return first + (await client.toEnd()).toString()
}

/** How many of `count` clients at once get in; they are left open. */
async function crowd(port: number, count: number) {
  const all = await Promise.all(Array.from({ length: count }, () => enter(port)))
  const inside = all.filter((one) => typeof one !== 'string')
  const refused = all.filter((one) => typeof one === 'string')
  return { inside, refused }
}

const closeAll = (clients: readonly RawClient[]) => Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))

const clientsAre = (engine: EngineProcess, count: number) =>
  eventually(async () => expect((await engine.status()).clients).toBe(count), { withinMs: 10_000 })

test('every worker serves; states, clients and metrics are right over all of them, client ids are unique', async () => {
  const port = await freePort()
  await using engine = await startWorkers({ manifest: socketServer({ listeners: [own(port)] }) })
  const { inside } = await crowd(port, 60)
  expect(inside).toHaveLength(60)
  const status = await engine.status()
  expect(status).toMatchObject({
    ready: true,
    clients: 60,
    listeners: [{ name: 'plain', state: 'Listening', clients: 60 }],
  })
  const metrics = await engine.metrics()
  expect(metrics.sum('socketserver_connections_open', { listener: 'plain' })).toBe(60)
  expect(metrics.sum('socketserver_connections_accepted_total', { listener: 'plain' })).toBe(60)
  expect(metrics.sum('socketserver_workers')).toBe(3)
  await closeAll(inside)
  await clientsAre(engine, 0)
  await eventually(async () => {
    const later = await engine.metrics()
    expect(later.sum('socketserver_connections_closed_total')).toBe(60)
    expect(later.sum('socketserver_bytes_total', { direction: 'received' })).toBe(60)
  })
  const closed = await eventually(() => {
    const found = engine.lines.filter((line) => line.message === 'client closed')
    expect(found).toHaveLength(60)
    return found
  })
  const ids = closed.map((line) => String(line['clientId']))
  expect(new Set(ids).size).toBe(60)
  // Which worker served is a part of the id: the system spreads clients over all of them.
  expect(new Set(ids.map((id) => id.split('-')[1])).size).toBe(3)
  for (const pid of pidsOf(engine).values()) expect(pid).not.toBe(engine.pid)
  await engine.stop()
  for (const pid of pidsOf(engine).values()) expect(() => process.kill(pid, 0)).toThrow()
})

for (const [name, spec] of Object.entries<(port: number) => Part>({
  'maxClients over all': (port) => ({ maxClients: 7, listeners: [own(port)] }),
  'maxClients of a listener': (port) => ({ listeners: [own(port, { maxClients: 7 })] }),
  maxClientsPerSource: (port) => ({ maxClientsPerSource: 7, listeners: [own(port)] }),
})) {
  test(`${name} holds exactly over all workers: nobody is refused while a place is free, nobody let in beyond`, async () => {
    const port = await freePort()
    await using engine = await startWorkers({ manifest: socketServer({ bannerTooBusy: 'full', ...spec(port) }) })
    let inside: RawClient[] = []
    for (let round = 0; round < 4; round += 1) {
      const { inside: more, refused } = await crowd(port, 20)
      inside.push(...more)
      expect(inside).toHaveLength(7)
      expect(new Set(refused)).toEqual(new Set(['full']))
      // Each place that is given back is found, whichever worker had it and whichever is asked.
      for (let turn = 0; turn < 8; turn += 1) {
        await closeAll(inside.splice(turn % inside.length, 1))
        await clientsAre(engine, 6)
        const one = await enter(port)
        expect(one).not.toBe('full')
        inside.push(one as RawClient)
        expect(await enter(port)).toBe('full')
      }
      await closeAll(inside.splice(0, 3))
      await clientsAre(engine, 4)
    }
    await closeAll(inside)
    inside = []
    await clientsAre(engine, 0)
  })
}

test('acceptRatePerSource holds over all workers', async () => {
  const port = await freePort()
  const access = { acceptRatePerSource: { perSecond: 1, burst: 6 } }
  await using _ = await startWorkers({
    manifest: socketServer({ access, bannerTooBusy: 'slow', listeners: [own(port)] }),
  })
  const { inside } = await crowd(port, 30)
  expect(inside.length).toBeGreaterThanOrEqual(6)
  expect(inside.length).toBeLessThanOrEqual(9)
  await closeAll(inside)
})

test('a limit that is changed counts those who are inside, on every worker', async () => {
  const port = await freePort()
  const spec = (maxClients: number, generation: number) =>
    socketServer({ metadata: { name: 'edge', generation }, maxClients, bannerTooBusy: 'full', listeners: [own(port)] })
  const moved = (generation: number) =>
    eventually(async () => expect(await engine.status()).toMatchObject({ generation, ready: true }), {
      withinMs: 10_000,
    })
  await using engine = await startWorkers({ manifest: spec(0, 1) })
  const { inside } = await crowd(port, 9)
  expect(inside).toHaveLength(9)
  await engine.writeManifest(spec(10, 2))
  await moved(2)
  const more = await crowd(port, 5)
  expect(more.inside).toHaveLength(1)
  await engine.writeManifest(spec(4, 3))
  await moved(3)
  expect(await enter(port)).toBe('full')
  await closeAll(inside)
  await clientsAre(engine, 1)
  const last = await crowd(port, 6)
  expect(last.inside).toHaveLength(3)
  await engine.writeManifest(spec(0, 4))
  await moved(4)
  const free = await crowd(port, 20)
  expect(free.inside).toHaveLength(20)
  await closeAll([...more.inside, ...last.inside, ...free.inside])
})

test('a worker that is killed is replaced, and no client of the others notices', async () => {
  await using workspace = await createWorkspace()
  const { certPem, keyPem } = createAuthority().issue({ names: ['a.test'] })
  await workspace.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  const [port, plain] = [await freePort(), await freePort()]
  await using engine = await startWorkers({
    secrets: workspace.secrets,
    manifest: socketServer({
      maxClients: 50,
      listeners: [listener({ port }), own(plain)],
      icsHosts: [host({ listeners: ['tls'] })],
    }),
  })
  // The spare process is there a little later.
  await sleep(3_000)
  const clients = await Promise.all(Array.from({ length: 24 }, () => connectTls({ port, servername: 'a.test' })))
  for (const client of clients) expect(await client.request('hello')).toBe('hello')
  const victim = pidsOf(engine).get(1) as number
  process.kill(victim, 'SIGKILL')
  await engine.waitForLog(
    (line) => line.message === 'worker ended' && line['worker'] === 1 && line['cause'] === 'SIGKILL',
  )
  const killed = performance.now()
  await eventually(() => expect(pidsOf(engine).get(1)).not.toBe(victim), { withinMs: 10_000 })
  console.log(`replaced after ${Math.round(performance.now() - killed)} ms`)
  const answers = await Promise.allSettled(clients.map((client) => client.request('still here')))
  const kept = clients.filter((_, at) => answers[at]?.status === 'fulfilled')
  expect(kept.length).toBeGreaterThan(0)
  expect(kept.length).toBeLessThan(24)
  // Whoever was at another worker is there, and no place is lost: all of 50 are to be had.
  await clientsAre(engine, kept.length)
  await using load = await startLoad([{ port, servername: 'a.test' }], { kept: 2, fresh: 2 })
  await eventually(() => expect(load.answered).toBeGreaterThan(100), { withinMs: 10_000 })
  expect(await load.stop()).toEqual([])
  await clientsAre(engine, kept.length)
  const { inside } = await crowd(plain, 60)
  expect(inside).toHaveLength(50 - kept.length)
  await closeAll(inside)
  const metrics = await engine.metrics()
  expect(metrics.sum('socketserver_workers')).toBe(3)
  expect(metrics.sum('socketserver_worker_restarts_total')).toBe(1)
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
})

test('a change is in service in all workers, or in none', async () => {
  await using workspace = await createWorkspace()
  const { certPem, keyPem } = createAuthority().issue({ names: ['a.test', 'b.test'] })
  await workspace.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  const [port, other] = [await freePort(), await freePort()]
  const spec = (generation: number, ...more: readonly Part[]) =>
    socketServer({
      metadata: { name: 'edge', generation },
      bindPolicy: 'AllOrNothing',
      listeners: [listener({ port }), ...more],
      icsHosts: [host({ listeners: ['tls'], hostNames: generation > 1 ? ['a.test', 'b.test'] : ['a.test'] })],
    })
  await using engine = await startWorkers({ secrets: workspace.secrets, manifest: spec(1) })
  await using load = await startLoad([{ port, servername: 'a.test' }])
  await engine.writeManifest(spec(2, own(other)))
  await eventually(async () => expect(await engine.status()).toMatchObject({ generation: 2, ready: true }))
  for (let turn = 0; turn < 20; turn += 1) {
    await using client = await connectTls({ port, servername: 'b.test' })
    expect(await client.request('hello')).toBe('hello')
    await closeAll([(await enter(other)) as RawClient])
  }
  // A port that another program has refuses the change in all of them.
  await using occupant = await startEngine({ manifest: socketServer({ listeners: [own(await freePort())] }) })
  const taken = (await occupant.status()).listeners[0]?.['port'] as number
  await engine.writeManifest(spec(3, own(other), own(taken, { name: 'taken' })))
  await eventually(async () =>
    expect((await engine.status()).configurationError).toMatch(new RegExp(`taken.*${taken}`)),
  )
  expect(await engine.status()).toMatchObject({ generation: 2, ready: false })
  expect((await engine.status()).listeners).toMatchObject([{ state: 'Listening' }, { state: 'Listening' }])
  expect(await load.stop()).toEqual([])
})

test('a ticket of one worker resumes at every other', async () => {
  await using workspace = await createWorkspace()
  const { certPem, keyPem } = createAuthority().issue({ names: ['a.test'] })
  await workspace.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  const port = await freePort()
  await using _ = await startWorkers({
    secrets: workspace.secrets,
    manifest: socketServer({ listeners: [listener({ port })], icsHosts: [host()] }),
  })
  await using first = await connectTls({ port, servername: 'a.test' })
  const [session] = await Promise.all([first.session(), first.request('hello')])
  for (let turn = 0; turn < 20; turn += 1) {
    await using client = await connectTls({ port, servername: 'a.test', session })
    expect(await client.request('hello')).toBe('hello')
    expect(client.resumed).toBe(true)
  }
})

test('stopping lets the clients of all workers finish; without its supervisor no worker stays', async () => {
  const port = await freePort()
  const manifest = socketServer({ timeouts: { drainSeconds: 3 }, listeners: [own(port)] })
  await using engine = await startWorkers({ manifest })
  const { inside } = await crowd(port, 12)
  engine.signal('SIGTERM')
  await engine.waitForLog((line) => line.message === 'server stopping' && line['clients'] === 12)
  await sleep(1_000)
  for (const client of inside) {
    await client.send('!')
    expect((await client.bytes(1)).toString()).toBe('!')
  }
  expect(await engine.exit(15_000)).toMatchObject({ code: 0 })
  expect(engine.lines.filter((line) => line.message === 'client closed')).toHaveLength(12)

  await using orphaned = await startWorkers({ manifest })
  const pids = [...pidsOf(orphaned).values()]
  await orphaned.stop('SIGKILL')
  await eventually(() => {
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
  })
})

test('a number of workers that is none is told with its cure', async () => {
  for (const workers of ['0', 'many']) {
    const result = await runCommand(['serve', '-f', 'examples/quickstart.yaml', '--workers', workers])
    expect(result).toMatchObject({ code: 2, signal: null })
    expect(result.stderr).toContain('--workers')
    expect(result.stderr).toContain('auto')
  }
})

test('the control socket speaks for all workers', async () => {
  await using workspace = await createWorkspace()
  const port = await freePort()
  const path = `${workspace.path}/control.sock`
  await using engine = await startWorkers({
    args: ['--control', path],
    manifest: socketServer({ listeners: [own(port)] }),
  })
  const { inside } = await crowd(port, 20)
  const ask = async (...words: string[]) => {
    const { code, stdout, stderr } = await runCommand([...words, '--control', path, '-o', 'json'])
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }
  expect(await ask('states')).toMatchObject({ listenAllOk: true, clients: 20 })
  const { clients } = (await ask('clients')) as { clients: { clientId: string }[] }
  expect(clients).toHaveLength(20)
  const gone = clients.slice(0, 10).map(({ clientId }) => clientId)
  expect(await ask('disconnect', ...gone)).toMatchObject({ disconnected: gone })
  await clientsAre(engine, 10)
  expect((await ask('certs')).hosts).toHaveLength(1)
  await ask('recheck')
  await ask('drain')
  await closeAll(inside)
  expect(await engine.exit(15_000)).toMatchObject({ code: 0 })
})
