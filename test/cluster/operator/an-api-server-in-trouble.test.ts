import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import type { Fault, ProxiedRequest } from '../../support/operator/fault-proxy.ts'
import { echoSpec } from '../../support/operator/fixture.ts'
import { type ProxiedStage, startStageBehindProxy } from '../../support/operator/stage-behind-proxy.ts'

const isWatch = ({ query }: ProxiedRequest) => query.get('watch') === 'true'
const isWriteOfConfigMap = ({ method, path }: ProxiedRequest) => method === 'PATCH' && path.includes('/configmaps/')

describeCluster('an operator whose API server is in trouble', () => {
  let stage: ProxiedStage
  let changes = 0

  beforeAll(async () => {
    stage = await startStageBehindProxy()
    await apply('edge', 'first')
    await stage.banner('edge', 'first')
  })
  afterEach(() => {
    stage.proxy.faults()
    expect(stage.operator.ended(), stage.operator.text().slice(-4_000)).toBe(false)
  })
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
  })
  const apply = (name: string, banner: string) => stage.place.apply(name, echoSpec(8443, { banner }))

  /** A change that is made now arrives. */
  const arrives = async (name: string) => {
    changes += 1
    const banner = `change ${changes}`
    await apply(name, banner)
    await stage.banner(name, banner, 60_000)
  }

  /** Makes the fault for some seconds, and counts the requests that came and the seconds. */
  const during = async (seconds: number, fault: (request: ProxiedRequest) => Fault | undefined) => {
    const { proxy } = stage
    proxy.faults(fault)
    proxy.endWatches()
    const [from, first] = [performance.now(), proxy.requests.length]
    await sleep(seconds * 1_000)
    const requests = proxy.requests.slice(first)
    return { requests, seconds: (performance.now() - from) / 1_000 }
  }
  /** Eight watches and a lease, each tried a few times in quick succession and then ever more seldom. */
  const isBounded = ({ requests, seconds }: Awaited<ReturnType<typeof during>>) =>
    expect(requests.length, `requests in ${seconds} s`).toBeLessThan(80 + 10 * seconds)

  test('goes on, and goes on leading, while each answer takes 2 s', async () => {
    const { proxy, operator } = stage
    const from = operator.lines.length
    proxy.faults(() => ({ delayMs: 2_000 }))
    await Promise.all([arrives('edge'), arrives('made-slowly')])
    await eventually(async () => expect((await stage.place.status('made-slowly')).observedGeneration).toBe(1), {
      withinMs: 60_000,
      everyMs: 200,
    })
    const bad = operator.lines.slice(from).filter(({ level }) => level === 'warn' || level === 'error')
    expect(bad).toEqual([])
  })

  test('waits for as long as it is asked to, with writes and with watches', async () => {
    const { proxy } = stage
    const busy = { status: 429, headers: { 'retry-after': '2' } }
    const from = proxy.requests.length
    proxy.faults((request) => (isWriteOfConfigMap(request) || isWatch(request) ? busy : undefined))
    await apply('edge', 'when there is time')
    await eventually(
      () => expect(proxy.requests.slice(from).filter(isWriteOfConfigMap).length).toBeGreaterThanOrEqual(3),
      { withinMs: 30_000 },
    )
    proxy.endWatches()
    const refusedWatches = () => proxy.requests.slice(from).filter(isWatch)
    await eventually(() => expect(refusedWatches().length).toBeGreaterThanOrEqual(16), { withinMs: 30_000 })
    const refused = proxy.requests.slice(from).filter(({ status }) => status === 429)
    proxy.faults()
    const times = new Map<string, number[]>()
    for (const { method, path, at } of refused)
      times.set(`${method} ${path}`, [...(times.get(`${method} ${path}`) ?? []), at])
    for (const [what, at] of times)
      for (const [index, moment] of at.slice(1).entries())
        expect(moment - (at[index] ?? 0), what).toBeGreaterThan(1_950)
    await stage.banner('edge', 'when there is time')
    await arrives('edge')
  })

  test('asks ever more seldom where every answer is 500, and is there when that is over', async () => {
    isBounded(await during(4, () => ({ status: 500, body: '{"kind":"Status","reason":"InternalError"}' })))
    stage.proxy.faults()
    await arrives('edge')
  })

  test('does not ask without a pause where watches end as soon as they begin', async () => {
    isBounded(await during(3, (request) => (isWatch(request) ? { endsAtOnce: true } : undefined)))
    stage.proxy.faults()
    await arrives('edge')
  })

  test('does without what an older API server lacks, and does not list again and again where no watch follows', async () => {
    const { proxy } = stage
    const cannotStream = ({ query }: ProxiedRequest): Fault | undefined =>
      query.has('sendInitialEvents') ? { status: 422, body: '{"kind":"Status","reason":"Invalid"}' } : undefined
    // The API server itself says that this version is too old.
    const tooOld = { query: { resourceVersion: '1' } }
    isBounded(await during(3, (request) => cannotStream(request) ?? (isWatch(request) ? tooOld : undefined)))
    proxy.faults(cannotStream)
    await arrives('edge')
    await arrives('made-with-lists')
  })

  test('loses no change where every few answers are refusals, pages of a proxy, cut off, or a connection that breaks', async () => {
    let count = 0
    stage.proxy.faults((): Fault | undefined => {
      count += 1
      if (count % 29 === 0) return { cut: 'midway' }
      if (count % 43 === 0) return { cut: 'at once' }
      if (count % 12 === 0) return { status: 500 }
      if (count % 12 === 4)
        return { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad Gateway</h1>' }
      return count % 12 === 8 ? { endsAtOnce: true } : undefined
    })
    for (let round = 0; round < 6; round += 1) {
      if (round % 3 === 0) stage.proxy.endWatches()
      await apply('edge', `in trouble ${round}`)
      await sleep(500)
    }
    await stage.banner('edge', 'in trouble 5', 60_000)
    await arrives('made-in-trouble')
  })
})
