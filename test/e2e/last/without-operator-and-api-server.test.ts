import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { ensureOperator, RELEASE } from '../../support/e2e/helm.ts'
import { processesOf } from '../../support/e2e/processes.ts'
import { remotePlane } from '../../support/e2e/remote-plane.ts'
import { PORT, serveTwoHosts, twoHosts } from '../../support/e2e/two-hosts.ts'
import { withStage } from '../../support/e2e/with-stage.ts'
import { eventually } from '../../support/eventually.ts'
import { startLoad } from '../../support/steady-load.ts'
import type { TlsClientOptions } from '../../support/tls-client.ts'

const AWAY_MS = 60_000
const BACK_MS = 180_000

const at = withStage('away')
let targets: readonly TlsClientOptions[]

beforeAll(async () => {
  await ensureOperator(at.cluster)
  await serveTwoHosts(at.stage)
  targets = await Promise.all(['shop', 'calm'].map((name) => at.stage.client(`${name}.example.com`, PORT)))
})

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly uid: string }
    readonly status: { readonly containerStatuses?: readonly { readonly restartCount: number }[] }
  }[]
}

const operators = async () => {
  const { body } = await at.cluster.admin.request(`/api/v1/namespaces/${RELEASE.namespace}/pods`)
  return (body as Pods).items
}

test('every operator is killed: no request fails, and another change is served once they are back', async ({
  skip,
}) => {
  const { ownNode } = at.cluster
  if (ownNode === undefined) return skip('the processes of pods are seen on a node of the suite alone')
  await using load = await startLoad(targets, { kept: 2, fresh: 1, pauseMs: 20 })
  const killed = await operators()
  for (const { metadata } of killed)
    for (const { pid, command } of processesOf(ownNode.controlGroups, metadata.uid))
      if (command.includes('operator')) process.kill(pid, 'SIGKILL')
  await eventually(
    async () =>
      expect((await operators()).map(({ status }) => status.containerStatuses?.[0]?.restartCount)).toEqual(
        killed.map(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) + 1),
      ),
    { withinMs: BACK_MS, everyMs: 200 },
  )
  await at.stage.apply(twoHosts({ maxClients: 1_234 }))
  expect(await load.stop()).toEqual([])
})

test(`the API server is away for ${AWAY_MS / 1_000} s: no request fails, and a change is served once it is back`, async ({
  skip,
}) => {
  const { ownNode } = at.cluster
  if (ownNode === undefined) return skip('only the API server of the suite’s own node may be stopped')
  const plane = remotePlane(ownNode.planeSocket)
  const before = (await at.stage.pods()).map(({ uid, restarts }) => ({ uid, restarts }))
  await using load = await startLoad(targets, { kept: 2, fresh: 1, pauseMs: 20 })
  await plane.stopApiServer()
  try {
    await sleep(AWAY_MS)
    expect(load.failures).toEqual([])
  } finally {
    await plane.startApiServer()
  }
  const back = performance.now()
  await at.stage.apply(twoHosts({ maxClients: 2_345 }))
  process.stdout.write(
    `after the API server was back, a change was served in ${((performance.now() - back) / 1_000).toFixed(1)} s\n`,
  )
  expect(await load.stop()).toEqual([])
  expect((await at.stage.pods()).map(({ uid, restarts }) => ({ uid, restarts }))).toEqual(before)
})
