import { beforeAll, expect, test } from 'vitest'
import { startChild } from '../support/child.ts'
import { processesOf } from '../support/e2e/processes.ts'
import { askOnce, type EnginePod } from '../support/e2e/stage.ts'
import { KEEPER, PORT, twoHosts } from '../support/e2e/two-hosts.ts'
import { withStage } from '../support/e2e/with-stage.ts'
import { eventually } from '../support/eventually.ts'
import { startLoad } from '../support/steady-load.ts'
import { refusalOf, type TlsClientOptions } from '../support/tls-client.ts'

/** A nudge that brought nothing is followed by the kubelet's own look, a minute later. */
const TOLD_MS = 180_000
const TAKEN_PORT = 9443

const at = withStage('faults')
let calm: TlsClientOptions

beforeAll(async () => {
  await at.stage.renew('shop-tls', ['shop.example.com', 'keeper.example.com'])
  await at.stage.renew('calm-tls', ['calm.example.com'])
  await at.stage.apply(twoHosts())
  calm = await at.stage.client('calm.example.com', PORT)
})

const restartsOf = (pods: readonly EnginePod[]) => pods.map(({ uid, restarts }) => ({ uid, restarts }))

test('a bad certificate: the last good one is served, the status says so, and a good one mends it', async () => {
  const { place } = at.stage
  await using load = await startLoad([calm], { kept: 2, fresh: 1, pauseMs: 20 })
  const shop = await at.stage.client('shop.example.com', PORT)
  const before = await askOnce(shop)
  await place.secret('shop-tls', { 'tls.crt': 'nonsense', 'tls.key': 'nonsense' })
  await at.stage.recheck()
  const message = await place.condition('edge', 'ResolvedRefs', { status: 'False', reason: 'RefNotUsable' }, TOLD_MS)
  expect(message).toContain('shop-tls')
  await place.condition('edge', 'CertificatesValid', { status: 'True' }, TOLD_MS)
  expect(await askOnce(shop)).toBe(before)
  const mended = await at.stage.renew('shop-tls', ['shop.example.com', 'keeper.example.com'])
  await at.stage.recheck()
  await place.condition('edge', 'Ready', { status: 'True' }, TOLD_MS)
  await eventually(async () => expect(await askOnce(shop)).toBe(mended), { withinMs: TOLD_MS, everyMs: 100 })
  expect(await load.stop()).toEqual([])
})

test('a Secret that is deleted: its certificate is served on, the status says so, and it mends when it is back', async () => {
  const { place } = at.stage
  await using load = await startLoad([calm], { kept: 2, fresh: 1, pauseMs: 20 })
  const shop = await at.stage.client('shop.example.com', PORT)
  const before = await askOnce(shop)
  await place.remove('Secret', 'shop-tls')
  await at.stage.recheck()
  const message = await place.condition('edge', 'ResolvedRefs', { status: 'False', reason: 'RefNotUsable' }, TOLD_MS)
  expect(message).toContain('shop-tls')
  expect(await askOnce(shop)).toBe(before)
  const mended = await at.stage.renew('shop-tls', ['shop.example.com', 'keeper.example.com'])
  await at.stage.recheck()
  await place.condition('edge', 'Ready', { status: 'True' }, TOLD_MS)
  await eventually(async () => expect(await askOnce(shop)).toBe(mended), { withinMs: TOLD_MS, everyMs: 100 })
  expect(await load.stop()).toEqual([])
})

test('a host that is removed: its clients alone are refused, the status tells of the others, and it is served again once added', async () => {
  const spec = twoHosts()
  const all = [...(spec['icsHosts'] as { hostTag: string }[]), KEEPER]
  await at.stage.apply({ ...spec, icsHosts: all })
  const pods = restartsOf(await at.stage.pods())
  await using load = await startLoad([calm], { kept: 2, fresh: 1, pauseMs: 20 })
  const shop = await at.stage.client('shop.example.com', PORT)
  await at.stage.apply({ ...spec, icsHosts: all.filter(({ hostTag }) => hostTag !== 'shop') })
  expect(await refusalOf(shop)).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
  expect((await at.stage.place.status('edge')).icsHosts?.map(({ hostTag }) => hostTag)).toEqual(['calm', 'keeper'])
  await at.stage.apply({ ...spec, icsHosts: all })
  await askOnce(shop)
  expect(await load.stop()).toEqual([])
  expect(restartsOf(await at.stage.pods())).toEqual(pods)
})

test('a port that is taken in a pod: that listener alone fails, in that pod, until the port is free', async ({
  skip,
}) => {
  const { ownNode } = at.cluster
  if (ownNode === undefined) return skip('a port of a pod is taken on a node of the suite alone')
  const { place } = at.stage
  await at.stage.apply(twoHosts())
  const pods = await at.stage.pods()
  const [pod] = pods
  const [inside] = processesOf(ownNode.controlGroups, pod?.uid ?? '')
  const program = `require('node:net').createServer().listen(${TAKEN_PORT}, '::', () => console.log('listening'))`
  const taker = await startChild([
    'nsenter',
    `--net=/proc/${inside?.pid}/ns/net`,
    '--',
    process.execPath,
    '-e',
    program,
  ])
  await new Promise((resolve) => taker.process.stdout?.once('data', resolve))
  try {
    await using load = await startLoad([calm], { kept: 2, fresh: 1, pauseMs: 20 })
    const spec = twoHosts()
    const listeners = [...(spec['listeners'] as object[]), { name: 'second', port: TAKEN_PORT }]
    await place.apply('edge', { replicas: 2, service: { type: 'NodePort' }, ...spec, listeners })
    await place.condition('edge', 'ListenersReady', { status: 'False', reason: 'ListenerFailed' }, TOLD_MS)
    const states = (await place.status('edge')).listeners ?? []
    expect(states.map(({ name, readyPods }) => ({ name, readyPods }))).toEqual([
      { name: 'https', readyPods: 2 },
      { name: 'second', readyPods: 1 },
    ])
    taker.process.kill('SIGKILL')
    await place.condition('edge', 'Ready', { status: 'True' }, TOLD_MS)
    expect(await load.stop()).toEqual([])
    expect(restartsOf(await at.stage.pods())).toEqual(restartsOf(pods))
  } finally {
    taker.process.kill('SIGKILL')
  }
})
