import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority } from '../../support/certificates.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, echoSpec, installContract, type Place } from '../../support/operator/fixture.ts'
import { type Kubelet, type RunningPod, startKubelet } from '../../support/operator/kubelet.ts'
import { type OperatorProcess, startOperator } from '../../support/operator/operator-process.ts'
import { freePort } from '../../support/ports.ts'

/** What stands in the place of an engine may answer so, and is told so. */
const ANSWERS: readonly (readonly [what: string, answer: RequestListener, told: RegExp])[] = [
  ['no JSON', (_, response) => response.end('I am no engine'), /not valid JSON/],
  ['a refusal', (_, response) => response.writeHead(503).end('{}'), /it answers 503 on port/],
  [
    'another engine',
    (_, response) => response.end('{"name":"it","namespace":"away"}'),
    /it is the engine of "away\/it"/,
  ],
  [
    'half of the fields',
    (_, response) => response.end('{"name":"edge","namespace":"shop","configHash":7}'),
    /configHash is no text/,
  ],
  [
    'a flood',
    (_, response) => {
      const flood = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', flood)
      flood()
    },
    /its answer has more than \d+ bytes/,
  ],
  ['a beginning without an end', (_, response) => response.write('{'), /no whole answer on port \d+ within/],
  ['an end without an answer', (request) => request.socket.destroy(), /socket hang up/],
]

describeCluster(
  'an engine that goes wrong',
  () => {
    let plane: ControlPlane
    let operator: OperatorProcess
    let authority: Authority
    let shop: Place
    let bank: Place
    let kubelets: { readonly shop: Kubelet; readonly bank: Kubelet }
    let port: number
    let looks = 0

    const secretOf = (notAfter?: Date) => {
      const { certPem, keyPem } = authority.issue({ names: ['shop.example.com'], ...(notAfter && { notAfter }) })
      return { 'tls.crt': certPem, 'tls.key': keyPem }
    }
    const pods = (): RunningPod[] => [...kubelets.shop.pods.values()]
    const anyPod = (): RunningPod => {
      const [pod] = pods()
      if (pod === undefined) throw new Error('there is no pod')
      return pod
    }
    /** Makes the operator look, and the engines recheck, as a person does. */
    const look = async () => {
      looks += 1
      await shop.patch('SocketServer', 'edge', {
        metadata: { annotations: { 'icshosts.io/recheck': `look ${looks}` } },
      })
    }
    const isReady = (place = shop) => place.condition('edge', 'Ready', { status: 'True' }, 60_000)
    /** Another SocketServer takes its changes while this one is in trouble. */
    const othersGoOn = async () => {
      looks += 1
      await bank.apply('edge', echoSpec(port, { banner: `change ${looks}` }))
      await isReady(bank)
    }

    beforeAll(async () => {
      plane = await startControlPlane({ controllerManager: true })
      await installContract(plane)
      shop = await createPlace(plane.admin, 'shop')
      bank = await createPlace(plane.admin, 'bank')
      kubelets = { shop: await startKubelet(plane.admin, 'shop'), bank: await startKubelet(plane.admin, 'bank') }
      authority = createAuthority()
      port = await freePort()
      operator = await startOperator(plane.admin.kubeconfig)
      await shop.secret('shop-tls', secretOf())
      await bank.secret('shop-tls', secretOf())
      await shop.apply('edge', echoSpec(port))
      await bank.apply('edge', echoSpec(port, { replicas: 1 }))
      await isReady(shop)
      await isReady(bank)
    })
    afterAll(async () => {
      await operator?.[Symbol.asyncDispose]()
      for (const kubelet of [kubelets?.shop, kubelets?.bank]) await kubelet?.[Symbol.asyncDispose]()
      await plane?.[Symbol.asyncDispose]()
    })

    test('by hanging is named, others go on, and when it answers again all is well', async () => {
      const { name, pid } = anyPod()
      process.kill(pid, 'SIGSTOP')
      try {
        await look()
        for (const type of ['Programmed', 'ListenersReady', 'CertificatesValid'])
          expect(await shop.condition('edge', type, { status: 'Unknown', reason: 'PodUnreadable' })).toContain(
            `pod "${name}" does not tell its state: no whole answer`,
          )
        await shop.condition('edge', 'Ready', { status: 'False', reason: 'PodUnreadable' })
        await othersGoOn()
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await isReady()
    })

    test('by answering anything else is named with what it answers', async () => {
      const { name, ip, adminPort } = anyPod()
      const address = ip.replace(/\.\d+$/, '.254')
      let answer: RequestListener = (_, response) => response.end()
      const server = createServer((request, response) => answer(request, response))
      server.listen(adminPort, address)
      await once(server, 'listening')
      const moveTo = (podIP: string) =>
        plane.admin.request(`${shop.path('Pod', name)}/status`, {
          method: 'PATCH',
          contentType: 'application/merge-patch+json',
          body: { status: { podIP, podIPs: [{ ip: podIP }] } },
        })
      try {
        await moveTo(address)
        for (const [what, next, told] of ANSWERS) {
          answer = next
          await eventually(
            async () => {
              const message = await shop.condition('edge', 'Programmed', { reason: 'PodUnreadable' })
              expect(message, what).toContain(`pod "${name}" does not tell its state: `)
              expect(message, what).toMatch(told)
            },
            { withinMs: 30_000, everyMs: 100 },
          )
        }
        await othersGoOn()
      } finally {
        server.close()
        server.closeAllConnections()
        await moveTo(ip)
      }
      await isReady()
    })

    test('by running an older generation is named, and its status is of no use as proof', async () => {
      kubelets.shop.freeze(true)
      await shop.apply('edge', echoSpec(port, { banner: 'newer' }))
      const message = await shop.condition('edge', 'Programmed', { status: 'False', reason: 'Progressing' })
      expect(message).toMatch(/0 of 2 pods run this generation/)
      for (const { name } of pods()) expect(message).toContain(`"${name}"`)
      await shop.condition('edge', 'Ready', { status: 'False', reason: 'Progressing' })
      kubelets.shop.freeze(false)
      await isReady()
    })

    test('by not listening is named with the listener and the cause', async () => {
      const { name, ip } = anyPod()
      const taken = await freePort()
      const squatter = createTcpServer()
      squatter.listen(taken, ip)
      await once(squatter, 'listening')
      const listeners = [
        { name: 'https', port },
        { name: 'second', port: taken },
      ]
      try {
        await shop.apply('edge', echoSpec(port, { listeners }))
        await eventually(
          async () => {
            const wanted = { status: 'False', reason: 'ListenerFailed' }
            const message = await shop.condition('edge', 'ListenersReady', wanted)
            expect(message).toContain(`listener "second" does not listen in pod "${name}": another server is already`)
            for (const other of pods()) if (other.name !== name) expect(message).not.toContain(other.name)
          },
          { withinMs: 30_000, everyMs: 100 },
        )
        expect((await shop.status('edge')).readyListeners).toBe('1/2')
      } finally {
        squatter.close()
      }
      await isReady()
    })

    test('by being killed is started again, with the same pod', async () => {
      const names = [...kubelets.shop.pods.keys()].sort()
      const { started } = kubelets.shop
      process.kill(anyPod().pid, 'SIGKILL')
      await eventually(() => expect(kubelets.shop.started).toBe(started + 1), { withinMs: 30_000 })
      await eventually(() => expect(kubelets.shop.pods.size).toBe(2), { withinMs: 30_000 })
      await isReady()
      expect([...kubelets.shop.pods.keys()].sort()).toEqual(names)
    })

    test('by serving a certificate that has ended is told by host and Secret', async () => {
      const end = new Date(Date.now() + 15_000)
      await shop.secret('shop-tls', secretOf(end))
      await look()
      await shop.condition('edge', 'CertificatesRenewed', { status: 'False', reason: 'CertificateExpiring' })
      await eventually(() => expect(Date.now()).toBeGreaterThan(end.getTime() + 1_000), { withinMs: 30_000 })
      await look()
      const message = await shop.condition('edge', 'CertificatesValid', {
        status: 'False',
        reason: 'CertificateInvalid',
      })
      expect(message).toMatch(/host "shop".*Secret "shop-tls"/)
      await othersGoOn()
      await shop.secret('shop-tls', secretOf())
      await look()
      await isReady()
      expect(operator.ended()).toBe(false)
    })
  },
  { controllers: true },
)
