import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority } from '../../support/certificates.ts'
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
import { freePort } from '../../support/ports.ts'
import { textsInMemory } from '../../support/process-memory.ts'
import { connectTls } from '../../support/tls-client.ts'

/** So long that a kubelet brings nothing by itself. */
const NEVER_MS = 3_600_000
const FLAG = ['--watch-secrets']

describeCluster(
  'with --watch-secrets',
  () => {
    let plane: ControlPlane
    let place: Place
    let kubelet: Kubelet
    let operator: OperatorProcess
    let authority: Authority
    let port: number

    const putCertificate = async () => {
      const { certPem, keyPem, certificate } = authority.issue({ names: ['shop.example.com'] })
      await place.secret('shop-tls', { 'tls.crt': certPem, 'tls.key': keyPem })
      return certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    }
    const putClientsCa = (pem: string) =>
      place.patch('ConfigMap', 'clients-ca', { data: { 'ca.crt': pem } }).then(({ status }) => expect(status).toBe(200))
    const servedByAll = async () =>
      await Promise.all(
        [...kubelet.pods.values()].map(async ({ ip }) => {
          const where = { host: ip, port, servername: 'shop.example.com', ca: authority.rootPem }
          await using client = await connectTls(where)
          return client.serverSha256
        }),
      )
    const nudges = async () =>
      (await place.list('Pod')).map(({ metadata }) => metadata.annotations?.['icshosts.io/configuration'] ?? '')
    const asked = async () => (await plane.auditEvents()).filter(({ user }) => user.username === 'operator')

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
      kubelet = await startKubelet(plane.admin, 'shop', { refreshMs: NEVER_MS })
      authority = createAuthority()
      port = await freePort()
    })
    afterAll(async () => {
      await operator?.[Symbol.asyncDispose]()
      await kubelet?.[Symbol.asyncDispose]()
      await plane?.[Symbol.asyncDispose]()
    })

    test('the operator works also while it may not list Secrets, and says so', async () => {
      await grantOperatorRole(plane, 'operator', await printedRoles())
      operator = await startOperator((await plane.identity('operator')).kubeconfig, { args: FLAG })
      await place.apply('edge', echoSpec(port))
      await eventually(async () => expect(await place.exists('PodDisruptionBudget', 'edge-ics')).toBe(true), {
        withinMs: 20_000,
      })
      await eventually(() => expect(operator.text()).toMatch(/secrets is forbidden/), { withinMs: 20_000 })
      const granted = await plane.admin.kubectl(['apply', '-f', '-'], { input: await printedRoles(FLAG) })
      expect(granted.code, granted.stderr).toBe(0)
      const isWatched = async () =>
        expect(
          (await asked()).some(
            ({ verb, objectRef, responseStatus }) =>
              verb === 'watch' && objectRef?.resource === 'secrets' && responseStatus?.code === 200,
          ),
        ).toBe(true)
      // It asks again by itself, with growing pauses.
      await eventually(isWatched, { withinMs: 90_000, everyMs: 200 })
    })

    test('a changed certificate is served by every pod at once, and told in status', async () => {
      await putCertificate()
      await place.create('ConfigMap', 'clients-ca', { data: { 'ca.crt': authority.rootPem } })
      const [host] = echoSpec(port)['icsHosts'] as [object]
      const clientCertificate = { method: 'Optional', caRefs: [{ kind: 'ConfigMap', name: 'clients-ca' }] }
      await place.apply('edge', echoSpec(port, { icsHosts: [{ ...host, clientCertificate }] }))
      await place.condition('edge', 'Ready', { status: 'True' }, 60_000)
      // Pods that were replaced have ended.
      await eventually(async () => expect([(await nudges()).length, kubelet.pods.size]).toEqual([2, 2]), {
        withinMs: 30_000,
      })
      const before = await nudges()
      const fingerprint = await putCertificate()
      const from = performance.now()
      await eventually(async () => expect(await servedByAll()).toEqual([fingerprint, fingerprint]), {
        withinMs: 30_000,
      })
      const served = performance.now() - from
      await eventually(
        async () =>
          expect((await place.status('edge')).icsHosts).toMatchObject([{ certificates: [{ sha256: fingerprint }] }]),
        { withinMs: 30_000 },
      )
      const told = performance.now() - from
      process.stdout.write(`changed Secret served after ${Math.round(served)} ms, in status ${Math.round(told)} ms\n`)
      const after = await nudges()
      expect(after).toHaveLength(2)
      for (const [i, value] of after.entries()) expect(value).not.toBe(before[i])
    })

    test('a changed CA is brought, too; what nobody mounts costs nothing; and all pods are told once', async () => {
      const patches = async () =>
        (await asked()).filter(({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'pods').length
      const before = await nudges()
      const patchesBefore = await patches()
      await place.secret('unrelated', { any: 'thing' })
      await putClientsCa(createAuthority().rootPem)
      await eventually(
        async () => {
          const after = await nudges()
          for (const [i, value] of after.entries()) expect(value).not.toBe(before[i])
        },
        { withinMs: 30_000 },
      )
      await place.condition('edge', 'Ready', { status: 'True' })
      expect((await patches()) - patchesBefore).toBe(2)
    })

    test('Secrets are listed and watched and nothing else, under the role of that mode', async () => {
      const events = (await asked()).filter(({ objectRef }) => objectRef?.resource === 'secrets')
      const allowed = events.filter(({ responseStatus }) => responseStatus?.code !== 403)
      expect(new Set(allowed.map(({ verb }) => verb))).toEqual(new Set(['watch']))
      const refused = (await asked()).filter(({ responseStatus }) => responseStatus?.code === 403)
      expect(new Set(refused.map(({ objectRef }) => objectRef?.resource))).toEqual(new Set(['secrets']))
    })

    test.runIf(existsSync('/proc/self/mem'))('nothing that a Secret holds is in memory, its name is', async () => {
      const held = `held-${crypto.randomUUID()}`
      await place.secret('named-in-memory', { key: held })
      const encoded = Buffer.from(held).toString('base64')
      await eventually(
        async () => expect(await textsInMemory(operator.pid, ['named-in-memory'])).toEqual(['named-in-memory']),
        { withinMs: 30_000, everyMs: 500 },
      )
      expect(await textsInMemory(operator.pid, [held, encoded.replace(/=+$/, '')])).toEqual([])
    })
  },
  { controllers: true },
)
