import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { echoSpec } from '../../support/operator/fixture.ts'
import { type ProxiedStage, startStageBehindProxy } from '../../support/operator/stage-behind-proxy.ts'

const SERVERS = '/apis/icshosts.io/v1alpha1/socketservers'

describeCluster('an operator whose API server is not what it was', () => {
  let stage: ProxiedStage
  beforeAll(async () => {
    stage = await startStageBehindProxy()
  })
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
  })
  const apply = (name: string, banner: string) => stage.place.apply(name, echoSpec(8443, { banner }))
  const unknown = (name: string) =>
    eventually(async () => expect(await stage.knows(name), name).toBe(false), { withinMs: 30_000, everyMs: 100 })

  test('finds what came, changed and went while its watches were too old to go on', async () => {
    const { place, proxy, operator } = stage
    for (const name of ['stays', 'goes']) {
      await apply(name, 'one')
      await stage.banner(name, 'one')
    }
    const from = proxy.requests.length
    // An old version is asked for in place of the one they have: the API server itself says that it is too old.
    const held = Promise.withResolvers<void>()
    proxy.faults(({ query }) => {
      if (query.get('watch') !== 'true' || query.has('sendInitialEvents')) return undefined
      return { until: held.promise, query: { resourceVersion: '1' } }
    })
    proxy.endWatches()
    await apply('stays', 'two')
    await apply('comes', 'one')
    await place.remove('SocketServer', 'goes')
    held.resolve()
    await stage.banner('stays', 'two')
    await stage.banner('comes', 'one')
    await unknown('goes')
    proxy.faults()
    const watches = proxy.requests.slice(from).filter(({ path }) => path === SERVERS)
    expect(watches.some(({ isExpired }) => isExpired)).toBe(true)
    expect(operator.ended()).toBe(false)
  })

  test('takes a store that was set back for what it is: nothing is lost, kept or forgotten wrongly', async () => {
    const { plane, place, proxy, operator } = stage
    for (const name of ['edge', 'revived', 'doomed']) {
      await apply(name, 'one')
      await stage.banner(name, 'one')
    }
    const snapshot = await plane.snapshot()
    await apply('edge', 'two')
    await stage.banner('edge', 'two', 60_000)
    await apply('later', 'one')
    await stage.banner('later', 'one')
    await place.remove('SocketServer', 'revived')
    await unknown('revived')

    proxy.leave()
    await plane.restore(snapshot)
    // The same generation as before, and another content.
    const { metadata } = await apply('edge', 'three')
    expect(metadata.generation).toBe(2)
    await place.remove('SocketServer', 'doomed')
    proxy.comeBack()

    await stage.banner('edge', 'three', 60_000)
    await unknown('later')
    await unknown('doomed')
    await place.patch('ConfigMap', 'revived-ics', { data: { 'socketserver.json': '{}' } })
    await stage.banner('revived', 'one', 60_000)
    await eventually(async () => expect((await place.status('edge')).observedGeneration).toBe(2), { withinMs: 30_000 })
    expect(operator.ended()).toBe(false)
  })
})
