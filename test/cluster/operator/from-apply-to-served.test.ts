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
import { connectTls } from '../../support/tls-client.ts'

describeCluster(
  'a SocketServer in a cluster',
  () => {
    let plane: ControlPlane
    let place: Place
    let kubelet: Kubelet
    let operator: OperatorProcess
    let authority: Authority
    let port: number

    const secretOf = (notAfter?: Date) => {
      const { certPem, keyPem } = authority.issue({
        names: ['shop.example.com'],
        ...(notAfter === undefined ? {} : { notAfter }),
      })
      return { 'tls.crt': certPem, 'tls.key': keyPem }
    }
    const connect = (host: string, to = port) =>
      connectTls({ host, port: to, servername: 'shop.example.com', ca: authority.rootPem })

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
      authority = createAuthority()
      port = await freePort()
      await grantOperatorRole(plane, 'operator', await printedRoles())
      operator = await startOperator((await plane.identity('operator')).kubeconfig)
    })
    afterAll(async () => {
      await operator?.[Symbol.asyncDispose]()
      await kubelet?.[Symbol.asyncDispose]()
      await plane?.[Symbol.asyncDispose]()
    })

    test('is served by real engines soon after it is applied, and Ready says so', async () => {
      await place.secret('shop-tls', secretOf())
      await place.apply('edge', echoSpec(port))
      await place.condition('edge', 'Ready', { status: 'True', reason: 'Ready' })
      const status = await place.status('edge')
      expect(status).toMatchObject({
        replicas: 2,
        readyReplicas: 2,
        readyListeners: '1/1',
        hosts: 1,
        selector: 'app.kubernetes.io/name=socketserver,app.kubernetes.io/instance=edge',
        listeners: [{ name: 'https', state: 'Listening', readyPods: 2, error: '' }],
        icsHosts: [{ hostTag: 'shop', grade: 'OK', certificates: [{ secretName: 'shop-tls', lastKnownGood: false }] }],
      })
      expect(status.address).toMatch(/^10\./)
      expect(kubelet.pods.size).toBe(2)
      for (const { ip } of kubelet.pods.values()) {
        await using client = await connect(ip)
        expect(await client.request('hello')).toBe('hello')
      }
    })

    test('is seen by kubectl: get, wait, scale', async () => {
      const table = await plane.admin.kubectl(['get', 'ics', '-n', 'shop', '-o', 'wide'])
      expect(table.stdout).toMatch(/edge +True +1\/1 +1 +\d+ +20\d\d-/)
      const waited = await plane.admin.kubectl([
        'wait',
        '-n',
        'shop',
        '--for=condition=Ready',
        'ics/edge',
        '--timeout=20s',
      ])
      expect(waited.code, waited.stderr).toBe(0)
      const scaled = await plane.admin.kubectl(['scale', '-n', 'shop', 'ics/edge', '--replicas=1'])
      expect(scaled.code, scaled.stderr).toBe(0)
      await place.condition('edge', 'Ready', { status: 'True' })
      await eventually(async () => expect((await place.status('edge')).replicas).toBe(1), { withinMs: 20_000 })
      await plane.admin.kubectl(['scale', '-n', 'shop', 'ics/edge', '--replicas=2'])
      await place.condition('edge', 'Ready', { status: 'True' })
    })

    test('takes a change of configuration into its running pods, which stay the same', async () => {
      const before = [...kubelet.pods.keys()].sort()
      const started = kubelet.started
      await place.apply('edge', echoSpec(port, { banner: 'welcome\r\n' }))
      const from = performance.now()
      await place.condition('edge', 'Ready', { status: 'True' })
      expect(performance.now() - from).toBeLessThan(15_000)
      for (const { ip } of kubelet.pods.values()) {
        await using client = await connect(ip)
        expect((await client.bytes(9)).toString()).toBe('welcome\r\n')
      }
      expect([[...kubelet.pods.keys()].sort(), kubelet.started]).toEqual([before, started])
    })

    test('rolls its pods when a Secret is added, and two changes at once make one rollout', async () => {
      const revision = async () =>
        (await place.get('Deployment', 'edge-ics')).metadata.annotations?.['deployment.kubernetes.io/revision']
      const before = Number(await revision())
      const { certPem, keyPem } = authority.issue({ names: ['shop.example.com'], keyType: 'RSA-2048' })
      await place.secret('shop-rsa', { 'tls.crt': certPem, 'tls.key': keyPem })
      const host = (certificate: object) => ({
        icsHosts: [{ hostTag: 'shop', hostNames: ['shop.example.com'], certificate, handler: { type: 'Echo' } }],
      })
      const both = { secretName: 'shop-tls', additionalSecretNames: ['shop-rsa'] }
      await place.apply('edge', echoSpec(port, host(both)))
      await place.apply('edge', echoSpec(port, { ...host(both), maxClients: 77 }))
      await place.condition('edge', 'Ready', { status: 'True' }, 60_000)
      expect(Number(await revision())).toBe(before + 1)
      expect((await place.status('edge')).icsHosts?.[0]?.certificates).toHaveLength(2)
    })

    test('says what is wrong with a Secret, serves the last good certificate, and recovers', async () => {
      await place.apply('edge', echoSpec(port))
      await place.condition('edge', 'Ready', { status: 'True' }, 60_000)
      await place.secret('shop-tls', { 'tls.crt': 'nonsense', 'tls.key': 'nonsense' })
      // The kubelet brings a changed Secret within its minute, or when it is asked to.
      await Promise.all([...kubelet.pods.values()].map((pod) => pod.refresh()))
      await place.patch('SocketServer', 'edge', { metadata: { annotations: { 'icshosts.io/recheck': 'one' } } })
      const message = await place.condition('edge', 'ResolvedRefs', { status: 'False', reason: 'RefNotUsable' })
      expect(message).toContain('shop-tls')
      await place.condition('edge', 'CertificatesValid', { status: 'True' })
      const ip = [...kubelet.pods.values()][0]?.ip ?? ''
      await using client = await connect(ip)
      expect(await client.request('still')).toBe('still')

      await place.secret('shop-tls', secretOf())
      await place.patch('SocketServer', 'edge', { metadata: { annotations: { 'icshosts.io/recheck': 'two' } } })
      await place.condition('edge', 'Ready', { status: 'True' })
    })

    test('reports each host by grade, and each step of a certificate by one event', async () => {
      await place.secret('shop-tls', secretOf(new Date(Date.now() + 5 * 86_400_000)))
      await place.patch('SocketServer', 'edge', { metadata: { annotations: { 'icshosts.io/recheck': 'three' } } })
      await place.condition('edge', 'CertificatesRenewed', { status: 'False', reason: 'CertificateExpiring' })
      await place.condition('edge', 'Ready', { status: 'True' })
      expect((await place.status('edge')).icsHosts).toMatchObject([{ hostTag: 'shop', grade: 'Warn' }])
      const expiring = async () =>
        (await place.list('Event')).filter(
          (event) => (event as unknown as { reason: string }).reason === 'CertificateExpiring',
        )
      await eventually(async () => expect(await expiring()).toHaveLength(1))
      await place.patch('SocketServer', 'edge', { metadata: { annotations: { 'icshosts.io/recheck': 'four' } } })
      await place.condition('edge', 'Programmed', { status: 'True' })
      await place.secret('shop-tls', secretOf())
      await place.patch('SocketServer', 'edge', { metadata: { annotations: { 'icshosts.io/recheck': 'five' } } })
      await place.condition('edge', 'CertificatesRenewed', { status: 'True' })
      expect(await expiring()).toHaveLength(1)
    })

    test('mends each child that is deleted or edited', async () => {
      const uid = async (kind: 'ConfigMap' | 'Service' | 'ServiceAccount' | 'PodDisruptionBudget') =>
        (await place.get(kind, 'edge-ics')).metadata.uid
      for (const kind of ['ConfigMap', 'Service', 'ServiceAccount', 'PodDisruptionBudget'] as const) {
        const before = await uid(kind)
        await place.remove(kind, 'edge-ics')
        await eventually(async () => expect(await uid(kind)).not.toBe(before), { withinMs: 10_000 })
      }
      await place.patch('ConfigMap', 'edge-ics', { data: { 'socketserver.json': '{}' } })
      await place.patch('Service', 'edge-ics', { spec: { type: 'NodePort' } })
      await place.patch('Deployment', 'edge-ics', { spec: { strategy: { rollingUpdate: { maxSurge: 2 } } } })
      await place.patch('PodDisruptionBudget', 'edge-ics', { spec: { maxUnavailable: 2 } })
      await eventually(
        async () => {
          const { data } = await place.get('ConfigMap', 'edge-ics')
          expect(JSON.parse(data?.['socketserver.json'] ?? '')).toMatchObject({ kind: 'SocketServer' })
          expect((await place.get('Service', 'edge-ics')).spec).toMatchObject({ type: 'ClusterIP' })
          expect((await place.get('Deployment', 'edge-ics')).spec).toMatchObject({
            strategy: { rollingUpdate: { maxSurge: 1 } },
          })
          expect((await place.get('PodDisruptionBudget', 'edge-ics')).spec).toMatchObject({ maxUnavailable: 1 })
        },
        { withinMs: 10_000 },
      )
      await place.condition('edge', 'Ready', { status: 'True' })
    })

    test('asks for nothing that is forbidden, and nothing of Secrets', async () => {
      const events = (await plane.auditEvents()).filter(({ user }) => user.username === 'operator')
      expect(events.length).toBeGreaterThan(50)
      expect(events.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([])
      expect(events.filter(({ objectRef }) => objectRef?.resource === 'secrets')).toEqual([])
    })

    test('costs no write while all is quiet', async () => {
      await place.condition('edge', 'Ready', { status: 'True' })
      const writes = async () =>
        (await plane.auditEvents()).filter(
          ({ user, verb, objectRef }) =>
            user.username === 'operator' &&
            ['create', 'update', 'patch', 'delete'].includes(verb) &&
            objectRef?.resource !== 'leases',
        ).length
      await eventually(
        async () => {
          const before = await writes()
          await new Promise((resolve) => setTimeout(resolve, 5_000))
          expect(await writes()).toBe(before)
        },
        { withinMs: 30_000 },
      )
    })

    test('leaves nothing when it is deleted', async () => {
      await place.remove('SocketServer', 'edge')
      await eventually(
        async () => {
          for (const kind of ['ConfigMap', 'Service', 'ServiceAccount', 'PodDisruptionBudget', 'Deployment'] as const)
            expect(await place.exists(kind, 'edge-ics'), kind).toBe(false)
          expect(await place.list('Pod')).toEqual([])
          expect(kubelet.pods.size).toBe(0)
        },
        { withinMs: 60_000, everyMs: 200 },
      )
      expect((await operator.metrics()).text).not.toContain('name="edge"')
      expect(operator.ended()).toBe(false)
    })
  },
  { controllers: true },
)
