import { beforeAll, beforeEach, expect, test } from 'vitest'
import { ensureOperator, helm, RELEASE } from '../../support/e2e/helm.ts'
import { PORT, serveTwoHosts, twoHosts } from '../../support/e2e/two-hosts.ts'
import { withStage } from '../../support/e2e/with-stage.ts'
import { eventually } from '../../support/eventually.ts'
import { startLoad } from '../../support/steady-load.ts'
import type { TlsClientOptions } from '../../support/tls-client.ts'

const GONE_MS = 180_000

const at = withStage('chart')
let target: TlsClientOptions

beforeAll(async () => {
  await ensureOperator(at.cluster)
  await serveTwoHosts(at.stage)
  target = await at.stage.client('shop.example.com', PORT)
})

/** What an earlier test left under way, or broken, is put right. */
beforeEach(() => ensureOperator(at.cluster))

/** Everything that kubectl can list with the label of the release. */
async function objectsOfRelease(): Promise<readonly string[]> {
  const { kubectl } = at.cluster.admin
  const kinds = (await kubectl(['api-resources', '--verbs=list', '-o', 'name'])).stdout.trim().split('\n')
  // Events tell of objects, and are none; metrics of pods are not stored.
  const asked = kinds.filter((kind) => !/^events|metrics\.k8s\.io$/.test(kind)).join(',')
  const label = `app.kubernetes.io/instance=${RELEASE.name}`
  const listed = await kubectl(['get', asked, '--all-namespaces', '-l', label, '-o', 'name'])
  expect(listed.code, listed.stderr).toBe(0)
  return listed.stdout.split('\n').filter(Boolean)
}

const podsNow = async () => (await at.stage.pods()).map(({ uid, restarts }) => ({ uid, restarts }))

test('helm upgrade and rollback: the operator changes, and no request fails', async () => {
  const before = await podsNow()
  await using load = await startLoad([target], { kept: 2, fresh: 2, pauseMs: 20 })
  await ensureOperator(at.cluster, ['--set', 'workers=3'])
  await at.stage.apply(twoHosts({ maxClients: 111 }))
  await helm(at.cluster, ['rollback', RELEASE.name, '--namespace', RELEASE.namespace, '--wait', '--timeout=3m'])
  await at.stage.apply(twoHosts({ maxClients: 222 }))
  expect(await load.stop()).toEqual([])
  expect(await podsNow()).toEqual(before)
})

test('helm uninstall: SocketServers, their pods and the definition stay, nothing else does, and an install finds them', async () => {
  const before = await podsNow()
  await using load = await startLoad([target], { kept: 2, fresh: 2, pauseMs: 20 })
  await helm(at.cluster, ['uninstall', RELEASE.name, '--namespace', RELEASE.namespace, '--wait', '--timeout=3m'])
  await eventually(
    async () =>
      expect(await objectsOfRelease()).toEqual([
        'customresourcedefinition.apiextensions.k8s.io/socketservers.icshosts.io',
      ]),
    { withinMs: GONE_MS, everyMs: 500 },
  )
  expect(await at.stage.place.exists('SocketServer', 'edge')).toBe(true)
  expect(await podsNow()).toEqual(before)
  await ensureOperator(at.cluster)
  await at.stage.apply(twoHosts({ maxClients: 333 }))
  expect(await load.stop()).toEqual([])
  expect(await podsNow()).toEqual(before)
})
