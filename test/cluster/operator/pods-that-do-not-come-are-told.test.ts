import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority } from '../../support/certificates.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, echoSpec, installContract, type Place } from '../../support/operator/fixture.ts'
import { type Kubelet, startKubelet } from '../../support/operator/kubelet.ts'
import { type OperatorProcess, startOperator } from '../../support/operator/operator-process.ts'
import { freePort } from '../../support/ports.ts'
import { connectTls } from '../../support/tls-client.ts'

describeCluster(
  'pods of a SocketServer',
  () => {
    let plane: ControlPlane
    let place: Place
    let kubelet: Kubelet
    let operator: OperatorProcess
    let authority: Authority
    let turns = 0

    const one = (port: number, more: object = {}) => echoSpec(port, { replicas: 1, ...more })
    const ready = (name: string) => place.condition(name, 'Ready', { status: 'True' }, 90_000)

    beforeAll(async () => {
      plane = await startControlPlane({ controllerManager: true })
      await installContract(plane)
      place = await createPlace(plane.admin, 'shop')
      kubelet = await startKubelet(plane.admin, 'shop')
      authority = createAuthority()
      const { certPem, keyPem } = authority.issue({ names: ['shop.example.com', '*.many.example.com'] })
      await place.secret('shop-tls', { 'tls.crt': certPem, 'tls.key': keyPem })
      operator = await startOperator(plane.admin.kubeconfig)
      await place.apply('good', one(await freePort()))
      await ready('good')
    })
    afterAll(async () => {
      await operator?.[Symbol.asyncDispose]()
      await kubelet?.[Symbol.asyncDispose]()
      await plane?.[Symbol.asyncDispose]()
    })
    afterEach(async () => {
      // Whatever is wrong with one, the pods of another take its next change.
      turns += 1
      const { icsHosts, listeners } = (await place.get('SocketServer', 'good')).spec
      await place.apply('good', { ...one(0), icsHosts, listeners, maxClients: turns })
      await ready('good')
      expect(operator.ended()).toBe(false)
    })

    test('that a quota refuses: the quota and the cure are told, and they come when it is raised', async () => {
      await place.create('ResourceQuota', 'few', { spec: { hard: { pods: '1' } } })
      await eventually(
        async () => expect((await place.get('ResourceQuota', 'few')).status).toMatchObject({ used: { pods: '1' } }),
        { withinMs: 30_000 },
      )
      await place.apply('refused', one(await freePort()))
      const told = await place.condition('refused', 'Programmed', { status: 'False', reason: 'QuotaExceeded' })
      expect(told).toMatch(
        /exceeded quota: few.*: raise the quota, or lower spec\.replicas or spec\.template\.resources$/,
      )
      await place.condition('refused', 'Ready', { status: 'False', reason: 'QuotaExceeded' })
      await place.remove('ResourceQuota', 'few')
      await ready('refused')
      await place.remove('SocketServer', 'refused')
    })

    test('whose image cannot be pulled: image and registry are told, and they come when it can be', async () => {
      kubelet.failImages('failed to resolve reference "registry.example.com/socketserver": not found')
      await place.apply('imageless', one(await freePort()))
      const told = await place.condition('imageless', 'Programmed', { status: 'False', reason: 'ImageUnavailable' })
      expect(told).toMatch(/^pod "imageless-ics-.*": the image "socketserver:.*" cannot be pulled \(ImagePullBackOff\)/)
      expect(told).toMatch(/not found: look at the image, the registry and spec\.template\.imagePullSecrets$/)
      await place.condition('imageless', 'Ready', { status: 'False', reason: 'ImageUnavailable' })
      kubelet.failImages(undefined)
      await ready('imageless')
      await place.remove('SocketServer', 'imageless')
    })

    test('of one with a name of 253 characters are made and served, and events tell of them', async () => {
      // As long as a name may be; what is cut off of it in names of events begins with a dash.
      const name = `${'a'.repeat(199)}-${'b'.repeat(26)}.${'c'.repeat(26)}`
      expect(name).toHaveLength(253)
      await place.apply(name, one(await freePort()))
      await ready(name)
      await eventually(
        async () => {
          const events = (await place.list('Event')) as unknown as { regarding: { name: string }; reason: string }[]
          const reasons = events.filter(({ regarding }) => regarding.name === name).map(({ reason }) => reason)
          expect(reasons).toEqual(expect.arrayContaining(['Ready', 'CertificateLoaded']))
        },
        { withinMs: 30_000 },
      )
      await place.remove('SocketServer', name)
    })

    test('of one with 512 hosts serve them all, each is in status, and one event tells of them', async () => {
      const port = await freePort()
      const icsHosts = Array.from({ length: 512 }, (_, i) => ({
        hostTag: `host-${i}`,
        hostNames: [`h${i}.many.example.com`],
        certificate: { secretName: 'shop-tls' },
        handler: { type: 'Echo' },
      }))
      await place.apply('many', one(port, { icsHosts }))
      await ready('many')
      const status = await place.status('many')
      expect([status.hosts, status.icsHosts?.length]).toEqual([512, 512])
      expect(new Set(status.icsHosts?.map(({ grade }) => grade))).toEqual(new Set(['OK']))
      const pod = (await place.list('Pod')).find(({ metadata }) => metadata.name.startsWith('many-ics-'))
      const where = { host: kubelet.pods.get(pod?.metadata.name ?? '')?.ip ?? '', port, ca: authority.rootPem }
      await using client = await connectTls({ ...where, servername: 'h511.many.example.com' })
      expect(await client.request('last')).toBe('last')
      const loaded = async () =>
        (
          (await place.list('Event')) as unknown as { regarding: { name: string }; reason: string; note: string }[]
        ).filter(({ regarding, reason }) => regarding.name === 'many' && reason === 'CertificateLoaded')
      await eventually(async () => expect(await loaded()).toHaveLength(1), { withinMs: 30_000 })
      expect((await loaded())[0]?.note).toMatch(/"host-0".*and 509 more hosts$/)

      // One host that its certificate is not for costs itself only.
      const [, second, ...rest] = icsHosts
      await place.apply('many', one(port, { icsHosts: [{ ...second, hostNames: ['elsewhere.example.org'] }, ...rest] }))
      await place.condition('many', 'CertificatesValid', { status: 'False', reason: 'CertificateMissing' }, 60_000)
      expect((await place.status('many')).icsHosts?.filter(({ grade }) => grade === 'OK')).toHaveLength(510)
      await place.remove('SocketServer', 'many')
    }, 300_000)

    test('in a namespace that is being deleted end with it, and nobody tries to make them anew for long', async () => {
      const ending = await createPlace(plane.admin, `ending-${turns}`)
      await ending.create('ConfigMap', 'held', {}, { finalizers: ['example.com/held'] })
      await ending.apply('late', { ...one(await freePort()), replicas: 0 })
      await eventually(async () => expect(await ending.exists('PodDisruptionBudget', 'late-ics')).toBe(true), {
        withinMs: 20_000,
      })
      await plane.admin.request(`/api/v1/namespaces/${ending.namespace}`, { method: 'DELETE', body: {} })
      await eventually(
        async () => {
          expect(await ending.exists('SocketServer', 'late')).toBe(false)
          for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget'] as const)
            expect(await ending.list(kind), kind).toEqual([])
        },
        { withinMs: 60_000 },
      )
      await ending.patch('ConfigMap', 'held', { metadata: { finalizers: null } })
      const label = `namespace="${ending.namespace}"`
      await eventually(async () => expect((await operator.metrics()).text).not.toContain(label), { withinMs: 20_000 })
    })
  },
  { controllers: true },
)
