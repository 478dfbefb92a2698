import { beforeAll, beforeEach, expect, test } from 'vitest'
import { startFreshClients } from '../support/e2e/fresh-clients.ts'
import { processesOf } from '../support/e2e/processes.ts'
import { replaced, uidsOf } from '../support/e2e/replaced.ts'
import { PORT, serveTwoHosts, twoHosts } from '../support/e2e/two-hosts.ts'
import { withStage } from '../support/e2e/with-stage.ts'
import { eventually } from '../support/eventually.ts'
import type { TlsClientOptions } from '../support/tls-client.ts'

const REPLACED_MS = 240_000

const at = withStage('pods')
let target: TlsClientOptions

beforeAll(async () => {
  await serveTwoHosts(at.stage)
  target = await at.stage.client('shop.example.com', PORT)
})

/** What an earlier test left under way is over. */
beforeEach(() => replaced(at.stage, []))

test('kubectl rollout restart: every pod is replaced, and no request fails', async () => {
  const before = await uidsOf(at.stage)
  await using load = await startFreshClients(target)
  const { namespace } = at.stage.place
  const said = await at.cluster.admin.kubectl(['rollout', 'restart', 'deployment/edge-ics', '-n', namespace])
  expect(said.code, said.stderr).toBe(0)
  await replaced(at.stage, before)
  expect(await load.stop()).toEqual([])
  expect(load.answered).toBeGreaterThan(0)
})

test('a Secret that is named for the first time: every pod is replaced, and no request fails', async () => {
  const before = await uidsOf(at.stage)
  const name = `more${Date.now()}`
  await at.stage.renew(`${name}-tls`, [`${name}.example.com`])
  await using load = await startFreshClients(target)
  await at.stage.apply(twoHosts({}, [name]))
  await replaced(at.stage, before)
  expect(await load.stop()).toEqual([])
})

test('eviction, as a drain does it: one pod at a time is let go, and no request fails', async () => {
  const before = await at.stage.pods()
  await using load = await startFreshClients(target)
  let refused = 0
  for (const { name } of before)
    await eventually(
      async () => {
        const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }
        const answer = await at.cluster.admin.request(`${at.stage.place.path('Pod', name)}/eviction`, { body })
        if (answer.status === 429) refused += 1
        expect(answer.status, JSON.stringify(answer.body)).toBe(201)
      },
      { withinMs: REPLACED_MS, everyMs: 200 },
    )
  await replaced(
    at.stage,
    before.map(({ uid }) => uid),
  )
  expect(await load.stop()).toEqual([])
  expect(refused, 'evictions that the budget refused').toBeGreaterThan(0)
})

test('SIGKILL of an engine: its container starts again while the other pod serves', async ({ skip }) => {
  const { ownNode } = at.cluster
  if (ownNode === undefined) return skip('the processes of pods are seen on a node of the suite alone')
  const [victim, other] = await at.stage.pods()
  await using load = await startFreshClients(target)
  const engine = processesOf(ownNode.controlGroups, victim?.uid ?? '').find(({ command }) => command.includes('serve'))
  expect(engine, 'the engine of the pod').toBeDefined()
  process.kill(engine?.pid ?? Number.NaN, 'SIGKILL')
  await eventually(
    async () => {
      const now = await at.stage.pods()
      for (const [pod, more] of [
        [victim, 1],
        [other, 0],
      ] as const)
        expect(now.find(({ uid }) => uid === pod?.uid)).toMatchObject({
          restarts: (pod?.restarts ?? 0) + more,
          isReady: true,
        })
    },
    { withinMs: REPLACED_MS, everyMs: 200 },
  )
  const failures = await load.stop()
  process.stdout.write(
    `SIGKILL of one of two engines: ${failures.length < 20 ? failures.length : '20 or more'} of ${load.answered} requests failed\n`,
  )
  await using after = await startFreshClients(target)
  await eventually(() => expect(after.answered).toBeGreaterThan(50), { withinMs: 30_000 })
  expect(await after.stop()).toEqual([])
})
