import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { createPlace, echoSpec, installContract } from '../../support/operator/fixture.ts'
import { startKubelet } from '../../support/operator/kubelet.ts'
import { startOperator } from '../../support/operator/operator-process.ts'
import { freePort } from '../../support/ports.ts'
import { connectTls } from '../../support/tls-client.ts'

describeCluster(
  'an API server that is away',
  () => {
    test('is waited for with patience; engines and clients notice nothing, and the first change after it is done at once', async () => {
      await using plane = await startControlPlane({ controllerManager: true })
      await installContract(plane)
      const place = await createPlace(plane.admin, 'shop')
      await using kubelet = await startKubelet(plane.admin, 'shop')
      await using operator = await startOperator(plane.admin.kubeconfig)
      const authority = createAuthority()
      const { certPem, keyPem } = authority.issue({ names: ['shop.example.com'] })
      await place.secret('shop-tls', { 'tls.crt': certPem, 'tls.key': keyPem })
      const port = await freePort()
      await place.apply('edge', echoSpec(port))
      await place.condition('edge', 'Ready', { status: 'True' }, 60_000)
      const enginesOf = () => [...kubelet.pods.values()].map(({ name, pid }) => `${name} ${pid}`).sort()
      const engines = enginesOf()
      const revision = async () => (await place.get('Deployment', 'edge-ics')).metadata.generation
      const deployed = await revision()
      const [first] = kubelet.pods.values()
      const connect = () =>
        connectTls({ host: first?.ip ?? '', port, servername: 'shop.example.com', ca: authority.rootPem })
      await using client = await connect()

      await plane.stopApiServer()
      // Beyond the time for which a lease may go without being renewed: the operator does not lead any more.
      await operator.waitForLog(({ message }) => message === 'lease lost', 30_000)
      const read = async () => {
        const metrics = await operator.metrics()
        const [calls, cpu] = [metrics.sum('rest_client_requests_total'), metrics.sum('process_cpu_seconds_total')]
        return { calls, cpu, at: performance.now() / 1_000 }
      }
      const before = await read()
      await sleep(12_000)
      const after = await read()
      const seconds = after.at - before.at
      // A watch for each of seven kinds and one lease, each tried every few seconds.
      expect(after.calls - before.calls, `calls in ${seconds} s`).toBeGreaterThan(0)
      expect(after.calls - before.calls, `calls in ${seconds} s`).toBeLessThan(5 * seconds)
      expect((after.cpu - before.cpu) / seconds, 'CPU').toBeLessThan(0.5)
      expect((await operator.probe('/healthz')).code).toBe(200)
      expect(await client.request('still')).toBe('still')
      await using another = await connect()
      expect(await another.request('too')).toBe('too')

      await plane.startApiServer()
      await place.apply('edge', echoSpec(port, { banner: 'back\r\n' }))
      await place.condition('edge', 'Ready', { status: 'True' }, 60_000)
      await using later = await connect()
      expect((await later.bytes(6)).toString()).toBe('back\r\n')
      expect(await client.request('still the same')).toBe('still the same')
      expect(enginesOf()).toEqual(engines)
      expect(await revision()).toBe(deployed)
      expect(operator.ended()).toBe(false)
    }, 240_000)
  },
  { controllers: true },
)
