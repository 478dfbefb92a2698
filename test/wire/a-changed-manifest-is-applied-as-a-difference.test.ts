import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { greet, startBackend } from '../support/backend.ts'
import { createAuthority } from '../support/certificates.ts'
import { startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { forward, host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startLoad } from '../support/steady-load.ts'
import { connectTls, refusalOf } from '../support/tls-client.ts'
import { createWorkspace, type Workspace } from '../support/workspace.ts'

const ca = createAuthority()

async function secretsOf(workspace: Workspace, ...names: readonly string[]): Promise<string> {
  for (const name of names) {
    const { certPem, keyPem } = ca.issue({ names: [`${name}.test`, `*.${name}.test`] })
    await workspace.copySecret(name, { 'tls.crt': certPem, 'tls.key': keyPem })
  }
  return workspace.secrets
}

type Engine = Awaited<ReturnType<typeof startEngine>>

let generation = 1

/** Writes a manifest of the next generation and waits until it is what runs. */
async function change(engine: Engine, spec: Part): Promise<void> {
  generation += 1
  const wanted = generation
  await engine.writeManifest(socketServer({ metadata: { name: 'edge', generation: wanted }, ...spec }))
  await eventually(async () => expect(await engine.status()).toMatchObject({ generation: wanted, ready: true }), {
    withinMs: 10_000,
  })
}

const isRefused = (port: number) =>
  connectRaw({ port }).then(
    async (client) => {
      await client[Symbol.asyncDispose]()
      return false
    },
    () => true,
  )

test('hosts, limits, banners, handlers and listeners change, and an untouched host and listener never notice', async () => {
  await using workspace = await createWorkspace()
  const secrets = await secretsOf(workspace, 'stay', 'a', 'b')
  await using first = await startBackend(greet('first'))
  await using second = await startBackend(greet('second'))
  const [main, one, two, three] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const stay = host({ hostTag: 'stay', listeners: ['main'] })
  const own = (name: string, port: number, changes: Part = {}) =>
    listener({ name, port, tls: false, handler: { type: 'Echo' }, ...changes })
  const listeners = (...more: readonly Part[]) => [listener({ name: 'main', port: main }), ...more]

  await using engine = await startEngine({
    secrets,
    manifest: socketServer({ listeners: listeners(own('one', one)), icsHosts: [stay] }),
  })
  const at = (tag: string) => ({ port: main, servername: `${tag}.test` })
  await using load = await startLoad([at('stay')])

  // A host comes, is handed to another backend, gets another name, and goes.
  const served = (backend: Part, changes: Part = {}) =>
    host({ hostTag: 'a', listeners: ['main'], handler: forward([backend]), ...changes })
  expect(await refusalOf(at('a'))).toContain('UNRECOGNIZED_NAME')
  await change(engine, { listeners: listeners(own('one', one)), icsHosts: [stay, served(first.backend)] })
  await using early = await connectTls(at('a'))
  await early.until('first')
  await change(engine, { listeners: listeners(own('one', one)), icsHosts: [stay, served(second.backend)] })
  await using late = await connectTls(at('a'))
  await late.until('second')
  expect(await early.request('still at the first')).toBe('still at the first')
  await change(engine, {
    listeners: listeners(own('one', one)),
    icsHosts: [stay, served(second.backend, { hostNames: ['new.a.test'] })],
  })
  expect(await refusalOf(at('a'))).toContain('UNRECOGNIZED_NAME')
  await using renamed = await connectTls({ port: main, servername: 'new.a.test' })
  await renamed.until('second')
  await change(engine, { listeners: listeners(own('one', one)), icsHosts: [stay] })
  expect(await refusalOf({ port: main, servername: 'new.a.test' })).toContain('UNRECOGNIZED_NAME')
  expect(await early.request('still there')).toBe('still there')

  // The policy of a host, and which Secret it shows.
  const shown = (changes: Part) => host({ hostTag: 'a', listeners: ['main'], ...changes })
  await change(engine, { listeners: listeners(), icsHosts: [stay, shown({ securityLevel: 'Tls12Only' })] })
  await using old = await connectTls(at('a'))
  expect([old.protocol, old.serverNames[0]]).toEqual(['TLSv1.2', 'a.test'])
  await change(engine, {
    listeners: listeners(),
    icsHosts: [stay, shown({ hostNames: ['b.test'], certificate: { secretName: 'b' }, securityLevel: 'Tls13Only' })],
  })
  await using fresh = await connectTls(at('b'))
  expect([fresh.protocol, fresh.serverNames[0]]).toEqual(['TLSv1.3', 'b.test'])

  // Listeners come and go, move, swap their ports, and take up TLS.
  expect(await isRefused(one)).toBe(true)
  await change(engine, { listeners: listeners(own('one', one), own('two', two)), icsHosts: [stay] })
  await using inOne = await connectRaw({ port: one })
  await inOne.send('hello')
  await inOne.bytes(5)
  await change(engine, { listeners: listeners(own('one', three), own('two', two)), icsHosts: [stay] })
  expect(await isRefused(one)).toBe(true)
  expect(await isRefused(three)).toBe(false)
  await inOne.send('moved')
  expect((await inOne.bytes(5)).toString()).toBe('moved')
  await change(engine, {
    listeners: listeners(own('two', three, { handler: { type: 'Redirect' } }), own('one', two)),
    icsHosts: [stay],
  })
  expect((await engine.status()).listeners).toMatchObject([
    { name: 'main', port: main, state: 'Listening' },
    { name: 'two', port: three, state: 'Listening' },
    { name: 'one', port: two, state: 'Listening' },
  ])
  await using redirected = await connectRaw({ port: three })
  await redirected.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await redirected.until('302')
  await change(engine, {
    listeners: listeners(own('one', two, { tls: true, certificate: { secretName: 'a' } })),
    icsHosts: [stay],
  })
  await using secured = await connectTls({ port: two })
  expect(await secured.request('secure')).toBe('secure')
  await change(engine, { listeners: listeners(own('one', two)), icsHosts: [stay] })
  await using plain = await connectRaw({ port: two })
  await plain.send('plain')
  expect((await plain.bytes(5)).toString()).toBe('plain')
  expect(await secured.request('as before')).toBe('as before')

  // Limits and banners hold for who comes next.
  await change(engine, {
    listeners: listeners(own('one', two, { maxClients: 2 })),
    icsHosts: [stay],
    bannerTooBusy: 'full',
  })
  await using refused = await connectRaw({ port: two })
  expect((await refused.toEnd()).toString()).toBe('full')
  await change(engine, { listeners: listeners(own('one', two)), icsHosts: [stay] })

  expect(await load.stop()).toEqual([])
  await change(engine, { listeners: listeners(own('one', two)), icsHosts: [stay], banner: 'welcome' })
  await using welcome = await connectTls(at('stay'))
  await welcome.until('welcome')
})

test('how soon a certificate is to be renewed, and how often it is looked at, change in place', async () => {
  await using workspace = await createWorkspace()
  const port = await freePort()
  const spec = { listeners: [listener({ port })], icsHosts: [host()] }
  await using engine = await startEngine({ secrets: await secretsOf(workspace, 'a'), manifest: socketServer(spec) })
  const grade = async () => (await engine.status()).icsHosts[0]?.['grade']
  // The certificates of the tests end in 90 days.
  expect(await grade()).toBe('OK')
  await change(engine, { ...spec, certExpireDays: 120 })
  expect(await grade()).toBe('Warn')
  await change(engine, { ...spec, certExpireDays: 60, recheckSeconds: 10 })
  expect(await grade()).toBe('OK')
})

test('the generation alone, and another spelling of the same, are taken over without a change', async () => {
  const port = await freePort()
  const spec = { listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })] }
  await using engine = await startEngine({ manifest: socketServer(spec) })
  const before = await engine.status()
  await change(engine, { ...spec, maxClients: 1000 })
  expect(await engine.status()).toMatchObject({ configHash: before.configHash })
  expect(engine.lines.filter((line) => line.message === 'listener state changed')).toHaveLength(1)
})

test('a Secret and the manifest that names it change together', async () => {
  await using workspace = await createWorkspace()
  const port = await freePort()
  const spec = (tag: string) => ({ listeners: [listener({ port })], icsHosts: [host({ hostTag: tag })] })
  await using engine = await startEngine({
    secrets: await secretsOf(workspace, 'a'),
    manifest: socketServer(spec('a')),
  })
  for (let round = 0; round < 3; round += 1) {
    const tag = `n${round}`
    await secretsOf(workspace, tag, 'a')
    await change(engine, spec(tag))
    await using client = await connectTls({ port, servername: `${tag}.test`, ca: ca.rootPem })
    expect(await client.request('served')).toBe('served')
  }
})

test('a manifest is taken from a directory as a ConfigMap is mounted, swap by swap', async () => {
  await using workspace = await createWorkspace()
  const [one, two] = [await freePort(), await freePort()]
  const text = (port: number) =>
    JSON.stringify(socketServer({ listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })] }))
  await workspace.mountConfigMap('edge', { 'edge.yaml': text(one) })
  await using engine = await startEngine({ manifest: '', path: `${workspace.configMaps}/edge` })
  for (const port of [two, one, two]) {
    await workspace.mountConfigMap('edge', { 'edge.yaml': text(port) })
    await eventually(async () => expect(await isRefused(port)).toBe(false), { withinMs: 10_000 })
    await eventually(async () => expect((await engine.status()).ready).toBe(true))
  }
})

test('a manifest that is written slowly in place is never taken by half', async () => {
  await using workspace = await createWorkspace()
  const port = await freePort()
  const hosts = (count: number) =>
    Array.from(
      { length: count },
      (_, at) =>
        `  - {hostTag: h${at}, hostNames: [h${at}.a.test], certificate: {secretName: a}, handler: {type: Echo}}\n`,
    )
  const head = (generation: number) =>
    `apiVersion: icshosts.io/v1alpha1\nkind: SocketServer\nmetadata: {name: edge, generation: ${generation}}\nspec:\n  listeners: [{name: tls, address: 127.0.0.1, port: ${port}}]\n  icsHosts:\n`
  await using engine = await startEngine({
    secrets: await secretsOf(workspace, 'a'),
    manifest: head(1) + hosts(20).join(''),
  })
  await using load = await startLoad([{ port, servername: 'h19.a.test' }], { kept: 1, fresh: 1 })
  // What lies on disk is a whole manifest of fewer hosts after every piece.
  const file = await open(engine.manifestPath, 'w')
  for (const piece of [head(2) + hosts(1).join(''), ...hosts(20).slice(1)]) {
    await file.write(piece)
    await sleep(20)
  }
  await file.close()
  await eventually(async () => expect(await engine.status()).toMatchObject({ generation: 2, ready: true }))
  expect(await load.stop()).toEqual([])
})
