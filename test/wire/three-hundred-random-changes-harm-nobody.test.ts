import fc from 'fast-check'
import { expect, test } from 'vitest'
import { greet, startBackend } from '../support/backend.ts'
import { createAuthority } from '../support/certificates.ts'
import { anySpec, HOSTS } from '../support/changes.ts'
import { type EngineProcess, type EngineStatus, startEngine } from '../support/engine-process.ts'
import { eventually } from '../support/eventually.ts'
import { host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startLoad } from '../support/steady-load.ts'
import { connectTls } from '../support/tls-client.ts'
import { createWorkspace } from '../support/workspace.ts'

const CHANGES = 300

/** `/status` without what counts. */
const stateOf = ({ clients: _, listeners, ...status }: EngineStatus) => ({
  ...status,
  listeners: listeners.map(({ clients: __, ...state }) => state),
})

/** What clients meet: at every host on the kept listener, and on every port. */
async function behaviourOf(port: number, ports: readonly number[]): Promise<unknown> {
  const met: Record<string, unknown> = {}
  const told = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'failed'
  for (const name of HOSTS.flatMap((tag) => [`${tag}.test`, `www.${tag}.test`])) {
    try {
      await using client = await connectTls({ port, servername: name })
      client.socket.write('?')
      const first = (await client.bytes(1)).toString()
      met[name] = [client.protocol, client.cipher, client.serverSha256, first]
    } catch (error) {
      met[name] = told(error)
    }
  }
  for (const at of ports) {
    const secured = await connectTls({ port: at }).then(
      async (client) => {
        await using _ = client
        return [client.protocol, await client.request('hello')]
      },
      () => undefined,
    )
    const plain = async () => {
      await using client = await connectRaw({ port: at })
      await client.send('hello')
      return (await client.bytes(5)).toString()
    }
    met[at] = secured ?? (await plain().catch(told))
  }
  return met
}

test(`${CHANGES} random changes under load: no untouched client fails, and the end equals a fresh start`, {
  timeout: 120_000,
}, async () => {
  await using workspace = await createWorkspace()
  const ca = createAuthority()
  const secrets = ['s1', 's2', 's3']
  const names = [...HOSTS.map((tag) => `*.${tag}.test`), ...HOSTS.map((tag) => `${tag}.test`), 'kept.test']
  const write = async (name: string) => {
    const { certPem, keyPem } = ca.issue({ names })
    await workspace.copySecret(name, { 'tls.crt': certPem, 'tls.key': keyPem })
  }
  for (const name of [...secrets, 'kept']) await write(name)
  await using x = await startBackend(greet('x'))
  await using y = await startBackend(greet('y'))
  const port = await freePort()
  const ports = [await freePort(), await freePort(), await freePort()]
  const kept = [listener({ name: 'kept', port }), host({ hostTag: 'kept', listeners: ['kept'] })] as const
  const arbitrary = anySpec({ ports, backends: { x: x.backend, y: y.backend }, secrets }, ...kept)

  const seed = Number(process.env['CHANGES_SEED'] ?? Date.now() % 2 ** 31)
  console.log(`CHANGES_SEED=${seed} makes the same changes again`)
  const specs = fc.sample(arbitrary, { seed, numRuns: CHANGES + 1 })
  // A rich one comes last, where most is compared.
  const wealth = ({ listeners, icsHosts }: Part) => (listeners as Part[]).length + (icsHosts as Part[]).length
  const richest = specs.reduce((most, spec) => (wealth(spec) > wealth(most) ? spec : most))
  specs.push(...specs.splice(specs.indexOf(richest), 1))
  const manifest = (generation: number): Part => {
    const spec = specs[generation] as Part
    return socketServer({ metadata: { name: 'edge', generation }, ...spec })
  }

  const start = (generation: number): Promise<EngineProcess> =>
    startEngine({ secrets: workspace.secrets, manifest: manifest(generation) })
  await using engine = await start(0)
  await using load = await startLoad([{ port, servername: 'kept.test' }], { kept: 3, fresh: 2 })
  const isInService = (generation: number) =>
    eventually(async () => expect(await engine.status()).toMatchObject({ generation, ready: true }), {
      withinMs: 20_000,
      everyMs: 20,
    })
  for (let generation = 1; generation <= CHANGES; generation += 1) {
    await engine.writeManifest(manifest(generation))
    // Certificates change at the same time now and then.
    if (generation % 20 === 0) await write(secrets[(generation / 20) % secrets.length] ?? 's1')
    // Now and then one change overtakes another.
    if (generation % 7 !== 0) await isInService(generation)
  }
  await isInService(CHANGES)
  expect(await load.stop()).toEqual([])
  expect(load.answered).toBeGreaterThan(CHANGES)

  const servedAt = async (one: EngineProcess) => [stateOf(await one.status()), await behaviourOf(port, ports)] as const
  // A certificate written at the end may be on its way still.
  engine.signal('SIGHUP')
  await engine.waitForLog((line) => line.message === 'certificates rechecked')
  const before = await servedAt(engine)
  await engine.stop()
  await using fresh = await start(CHANGES)
  expect(before).toEqual(await servedAt(fresh))
})
