import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import {
  createPlace,
  echoSpec,
  grantOperatorRole,
  installContract,
  type Place,
} from '../../support/operator/fixture.ts'
import { type Kubelet, startKubelet } from '../../support/operator/kubelet.ts'
import { type OperatorProcess, printedRoles, startOperator } from '../../support/operator/operator-process.ts'
import { type RolloutRecord, recordRollouts } from '../../support/operator/rollout-record.ts'
import { freePort } from '../../support/ports.ts'

describeCluster(
  'what kstatus makes of a SocketServer',
  () => {
    let plane: ControlPlane
    let place: Place
    let kubelet: Kubelet
    let operator: OperatorProcess
    let record: RolloutRecord
    let port: number
    let from: number

    /** Writes of the operator so far, by what they are to. */
    const writes = async () => {
      const counts: Record<string, number> = {}
      for (const { user, verb, objectRef } of await plane.auditEvents()) {
        const isWrite = ['create', 'update', 'patch', 'delete'].includes(verb) && objectRef?.resource !== 'leases'
        if (user.username !== 'operator' || !isWrite) continue
        const to = [objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join('/')
        counts[to] = (counts[to] ?? 0) + 1
      }
      return counts
    }
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0)
    const apply = (more: object = {}) => place.apply('edge', echoSpec(port, { ...more }))
    const latest = () => record.moments.at(-1)
    const current = async (generation: number) => {
      const wanted = { generation, observedGeneration: generation, kstatus: 'Current' }
      await eventually(() => expect(latest()).toMatchObject(wanted), { withinMs: 90_000 })
      expect(await record.lies()).toEqual([])
    }
    const failed = async (generation: number, reason: string) => {
      const wanted = { generation, observedGeneration: generation, kstatus: 'InProgress', reason }
      await eventually(() => expect(latest()).toMatchObject(wanted), { withinMs: 60_000 })
    }
    const secret = async (data: Record<string, string>) => {
      await place.secret('shop-tls', data)
      await Promise.all([...kubelet.pods.values()].map((pod) => pod.refresh()))
    }
    const { certPem, keyPem } = createAuthority().issue({ names: ['shop.example.com'] })
    const good = { 'tls.crt': certPem, 'tls.key': keyPem }

    beforeAll(async () => {
      plane = await startControlPlane({
        controllerManager: true,
        auditPolicy: {
          apiVersion: 'audit.k8s.io/v1',
          kind: 'Policy',
          omitStages: ['RequestReceived'],
          rules: [{ level: 'Metadata', users: ['operator'] }],
        },
      })
      await installContract(plane)
      place = await createPlace(plane.admin, 'shop')
      kubelet = await startKubelet(plane.admin, 'shop')
      port = await freePort()
      await grantOperatorRole(plane, 'operator', await printedRoles())
      await secret(good)
      record = await recordRollouts(plane, place, kubelet, 'edge')
      // The first version is there before anybody looks at it.
      await apply()
      await eventually(() => expect(record.moments).toHaveLength(1), { withinMs: 30_000 })
      from = performance.now()
      operator = await startOperator((await plane.identity('operator')).kubeconfig)
    })
    afterAll(async () => {
      await record?.[Symbol.asyncDispose]()
      await operator?.[Symbol.asyncDispose]()
      await kubelet?.[Symbol.asyncDispose]()
      await plane?.[Symbol.asyncDispose]()
    })

    test('a new one is in progress from its first moment on, then current', async () => {
      expect(record.moments[0]).toEqual({ generation: 1, observedGeneration: 0, kstatus: 'InProgress', reason: '' })
      await current(1)
      const events = async () => (await writes())['events']
      await eventually(async () => expect(await events()).toBe(2), { withinMs: 20_000 })
      const { 'socketservers/status': reports = 0, ...others } = await writes()
      const seconds = (performance.now() - from) / 1_000
      process.stdout.write(`a new SocketServer: ${7 + reports} writes in ${seconds.toFixed(1)} s\n`)
      expect(others).toEqual({
        ...{ serviceaccounts: 1, configmaps: 1, deployments: 1, services: 1, poddisruptionbudgets: 1 },
        // It became ready, and its host serves a certificate.
        events: 2,
      })
      // The first look, the pods that come, and the end; beyond that a step each 2 s on a machine that is slow.
      expect(reports).toBeLessThanOrEqual(3 + seconds / 2)
    })

    test('a change that pods take as they run', async () => {
      const before = await writes()
      const began = performance.now()
      await apply({ banner: 'welcome\r\n' })
      await current(2)
      const seconds = (performance.now() - began) / 1_000
      const after = await writes()
      const more = (to: string) => (after[to] ?? 0) - (before[to] ?? 0)
      const all = sum(after) - sum(before)
      process.stdout.write(`a hot change of two pods: ${all} writes in ${seconds.toFixed(1)} s\n`)
      // The configuration, one nudge for each pod and the report of the end; more only where a pod or the machine is slow.
      expect(more('configmaps')).toBe(1)
      expect(more('pods')).toBeLessThanOrEqual(2 + 2 * Math.floor(seconds / 5))
      expect(more('socketservers/status')).toBeLessThanOrEqual(seconds < 1.5 ? 1 : 2 + seconds / 2)
      expect(all).toBe(more('configmaps') + more('pods') + more('socketservers/status'))
    })

    test('a change that replaces pods', async () => {
      const before = await writes()
      await apply({ banner: 'welcome\r\n', template: { labels: { turn: 'one' } } })
      await current(3)
      const after = await writes()
      const more = (to: string) => (after[to] ?? 0) - (before[to] ?? 0)
      process.stdout.write(`a rollout of two pods: ${sum(after) - sum(before)} writes\n`)
      // What is served is the same.
      expect(['deployments', 'configmaps', 'pods', 'services'].map(more)).toEqual([1, 0, 0, 0])
    })

    test('a change whose pods do not come, until they do', async () => {
      kubelet.failImages('not found')
      await apply({ template: { labels: { turn: 'two' } } })
      await failed(4, 'ImageUnavailable')
      kubelet.failImages(undefined)
      await current(4)
    })

    test('a generation that cannot be served, and the next that can', async () => {
      const [host] = echoSpec(port)['icsHosts'] as [object]
      await apply({ icsHosts: [host, { ...host, hostTag: 'twin' }] })
      await failed(5, 'Invalid')
      await apply({ maxClients: 5 })
      await current(6)
    })

    test('a certificate that cannot be used, and is replaced', async () => {
      const recheck = (value: string) =>
        place.patch('SocketServer', 'edge', { metadata: { annotations: { 'icshosts.io/recheck': value } } })
      await secret({ 'tls.crt': 'nonsense', 'tls.key': 'nonsense' })
      await recheck('one')
      await failed(6, 'RefNotUsable')
      await secret(good)
      await recheck('two')
      await current(6)
    })

    test('an engine that dies, and is started again', async () => {
      const seen = record.moments.length
      // It stays away until that was seen.
      const [pod] = kubelet.pods.values()
      kubelet.failImages('the registry is away')
      process.kill(pod?.pid ?? 0, 'SIGKILL')
      await eventually(() => expect(record.moments.slice(seen).map(({ kstatus }) => kstatus)).toContain('InProgress'), {
        withinMs: 60_000,
      })
      kubelet.failImages(undefined)
      await current(6)
    })

    test('two changes at once, the second while the first is on its way', async () => {
      await apply({ template: { labels: { turn: 'three' } } })
      await apply({ template: { labels: { turn: 'four' } }, maxClients: 8 })
      await current(8)
    })

    test('each generation began in progress, and none was called current that was not served', async () => {
      const { moments } = record
      for (const [i, { generation }] of moments.entries())
        if (generation !== moments[i - 1]?.generation) expect(moments[i]).toMatchObject({ kstatus: 'InProgress' })
      expect(moments.filter(({ generation, kstatus }) => generation === 5 && kstatus === 'Current')).toEqual([])
      expect(await record.lies()).toEqual([])
      expect(moments.at(-1)).toMatchObject({ generation: 8, kstatus: 'Current', reason: 'Ready' })
    })
  },
  { controllers: true },
)
