import { rename, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { echo, startBackend } from '../support/backend.ts'
import { createAuthority } from '../support/certificates.ts'
import { type EngineProcess, startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { startLoad } from '../support/steady-load.ts'
import { connectTls } from '../support/tls-client.ts'
import { createWorkspace } from '../support/workspace.ts'

const ca = createAuthority()
const issued = () => {
  const { certPem, keyPem } = ca.issue({ names: ['a.test'] })
  return { 'tls.crt': certPem, 'tls.key': keyPem }
}

const good = (port: number, changes: Part = {}) =>
  socketServer({
    metadata: { name: 'edge', namespace: 'shop', generation: 7 },
    listeners: [listener({ port })],
    icsHosts: [host({ listeners: ['tls'] })],
    ...changes,
  })

/** Waits until the engine says everywhere that what lies on disk is not in service, for a reason that fits. */
async function isRefused(engine: EngineProcess, reason: RegExp, configHash: string): Promise<void> {
  const told = await eventually(async () => {
    const status = await engine.status()
    expect(status).toMatchObject({ ready: false, generation: 7, configHash })
    expect(status.configurationError).toMatch(reason)
    return status.configurationError
  })
  const { code, body } = await engine.admin('/readyz')
  expect([code, body]).toEqual([503, expect.stringContaining(told)])
  await engine.waitForLog((line) => line.message === 'manifest refused' && told.endsWith(String(line['error'])))
  const metrics = await engine.metrics()
  expect(metrics.sum('socketserver_configuration_current')).toBe(0)
  expect(metrics.sum('socketserver_configuration_changes_total', { outcome: 'refused' })).toBeGreaterThan(0)
}

async function isHealed(engine: EngineProcess): Promise<void> {
  await eventually(async () => expect(await engine.status()).toMatchObject({ ready: true, configurationError: '' }), {
    withinMs: 15_000,
  })
  expect((await engine.metrics()).sum('socketserver_configuration_current')).toBe(1)
}

const BAD: Readonly<Record<string, readonly [content: object | string, reason: RegExp]>> = {
  'broken YAML': ['a: [', /not usable/],
  'an empty file': ['', /not usable/],
  'a field that is none': [good(1, { listners: [] }), /listners/],
  'two hosts with one name': [
    good(18_443, { icsHosts: [host(), host({ hostTag: 'b', hostNames: ['a.test'] })] }),
    /a\.test/,
  ],
  'another name': [good(18_443, { metadata: { name: 'other', namespace: 'shop' } }), /no SocketServer named/],
  'another namespace': [good(18_443, { metadata: { name: 'edge', namespace: 'else' } }), /no SocketServer named/],
  'no namespace': [good(18_443, { metadata: { name: 'edge' } }), /no SocketServer named|namespace/],
}

test('each bad manifest is refused, told everywhere, and heals; no client notices', async () => {
  await using workspace = await createWorkspace()
  await workspace.copySecret('a', issued())
  const port = await freePort()
  await using engine = await startEngine({ secrets: workspace.secrets, manifest: good(port) })
  const { configHash } = await engine.status()
  await using load = await startLoad([{ port, servername: 'a.test' }])
  for (const [content, reason] of Object.values(BAD)) {
    await engine.writeManifest(content)
    await isRefused(engine, reason, configHash)
    await engine.writeManifest(good(port))
    await isHealed(engine)
  }

  // Gone, and back; as long as it is gone it is told once.
  await rename(engine.manifestPath, `${engine.manifestPath}.away`)
  await isRefused(engine, /does not exist/, configHash)
  await rename(`${engine.manifestPath}.away`, engine.manifestPath)
  await isHealed(engine)
  expect(await load.stop()).toEqual([])
  const refusals = engine.lines.filter((line) => line.message === 'manifest refused')
  expect(refusals).toHaveLength(Object.keys(BAD).length + 1)
})

test('AllOrNothing: a port that is taken refuses the whole change, which is taken once the port is free', async () => {
  await using workspace = await createWorkspace()
  await workspace.copySecret('a', issued())
  const [port, old, moved] = [await freePort(), await freePort(), await freePort()]
  await using occupant = await startBackend(echo)
  const second = (at: number) => listener({ name: 'second', port: at, tls: false, handler: { type: 'Echo' } })
  const spec = (...more: readonly Part[]) =>
    good(port, { bindPolicy: 'AllOrNothing', listeners: [listener({ port }), ...more] })
  await using engine = await startEngine({ secrets: workspace.secrets, manifest: spec(second(old)) })
  const { configHash } = await engine.status()
  await using load = await startLoad([{ port, servername: 'a.test' }])
  // What is served of a Secret that was lost is lost with a host: a change that is refused must not touch it.
  const served = async () => {
    await using client = await connectTls({ port, servername: 'a.test' })
    return client.serverSha256
  }
  const before = await served()
  await workspace.copySecret('a', { 'tls.crt': 'broken', 'tls.key': 'broken' })
  await engine.waitForLog((line) => line['host'] === 'a' && line.level !== 'info')

  const third = listener({ name: 'third', port: occupant.port, tls: false, handler: { type: 'Echo' } })
  const wanted = { ...spec(second(moved), third), metadata: { name: 'edge', namespace: 'shop', generation: 8 } }
  await engine.writeManifest(wanted)
  await isRefused(engine, new RegExp(`third.*${occupant.port}`), configHash)
  expect(await served()).toBe(before)
  expect((await engine.status()).listeners).toMatchObject([
    { name: 'tls', state: 'Listening', port },
    { name: 'second', state: 'Listening', port: old },
  ])
  await occupant.close()
  await eventually(async () => expect(await engine.status()).toMatchObject({ generation: 8, ready: true }), {
    withinMs: 15_000,
  })
  expect(await served()).toBe(before)
  expect(await load.stop()).toEqual([])
})

test('a bind policy that what runs cannot keep is refused, and taken once it can', async () => {
  const port = await freePort()
  await using occupant = await startBackend(echo)
  const own = (name: string, at: number) => listener({ name, port: at, tls: false, handler: { type: 'Echo' } })
  const spec = (bindPolicy: string) =>
    good(port, { bindPolicy, listeners: [own('one', port), own('two', occupant.port)], icsHosts: [] })
  await using engine = await startEngine({ manifest: spec('BestEffort') })
  const { configHash } = await engine.status()
  await engine.writeManifest(spec('AllOrNothing'))
  await isRefused(engine, /"two"/, configHash)
  await engine.writeManifest(spec('BestEffort'))
  await isHealed(engine)
  await engine.writeManifest(spec('AllOrNothing'))
  await isRefused(engine, /"two"/, configHash)
  await occupant.close()
  await isHealed(engine)
  expect((await engine.status()).listeners).toMatchObject([{ state: 'Listening' }, { state: 'Listening' }])
})

test('SIGHUP looks again at what failed, without waiting', async () => {
  await using workspace = await createWorkspace()
  await workspace.copySecret('a', issued())
  const port = await freePort()
  await using engine = await startEngine({ secrets: workspace.secrets, manifest: good(port) })
  const { configHash } = await engine.status()
  await rm(engine.manifestPath)
  await isRefused(engine, /does not exist/, configHash)
  await writeFile(engine.manifestPath, JSON.stringify(good(port)))
  engine.signal('SIGHUP')
  await engine.waitForLog((line) => line.message === 'certificates rechecked')
  await isHealed(engine)
})
