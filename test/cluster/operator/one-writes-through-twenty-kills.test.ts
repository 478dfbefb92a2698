import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, echoSpec, installContract } from '../../support/operator/fixture.ts'
import { type OperatorProcess, startOperator } from '../../support/operator/operator-process.ts'
import { termsOf } from '../../support/operator/terms.ts'

const AUDIT = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Request',
      userGroups: ['operators'],
      verbs: ['create', 'update'],
      resources: [{ group: 'coordination.k8s.io' }],
    },
    { level: 'Metadata', userGroups: ['operators'], verbs: ['create', 'update', 'patch', 'delete'] },
    { level: 'None' },
  ],
}
const KILLS = 20
const SERVERS = ['one', 'two', 'three']

describeCluster('several operators', () => {
  test('never write at the same time, through twenty ends of the one that leads and one that was asleep', async () => {
    await using plane = await startControlPlane({ auditPolicy: AUDIT })
    await installContract(plane)
    const place = await createPlace(plane.admin, 'shop')
    await using stack = new AsyncDisposableStack()
    const users = new Set<string>()
    const running = new Map<string, OperatorProcess>()
    const start = async () => {
      const user = `operator-${users.size + 1}`
      users.add(user)
      const { kubeconfig } = await plane.identity(user, ['operators', 'system:masters'])
      const operator = stack.use(await startOperator(kubeconfig, { args: ['--lease-duration', '4'] }))
      running.set(operator.identity, operator)
    }
    const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/socketserver-operator'
    const holder = async () => {
      const { body } = await plane.admin.request(lease)
      return (body as { spec?: { holderIdentity?: string } }).spec?.holderIdentity ?? ''
    }
    const leader = () =>
      eventually(
        async () => {
          const found = running.get(await holder())
          if (found === undefined) throw new Error('nobody leads')
          return found
        },
        { withinMs: 60_000, everyMs: 50 },
      )

    // Work for whoever leads, all the time.
    let isOver = false
    let made = 0
    const change = async () => {
      made += 1
      const banner = `change ${made}`
      await Promise.all(SERVERS.map((name) => place.apply(name, echoSpec(8443, { banner }))))
      return banner
    }
    const arrived = async (banner: string) => {
      for (const name of SERVERS)
        await eventually(
          async () => {
            const text = (await place.get('ConfigMap', `${name}-ics`)).data?.['socketserver.json'] ?? ''
            const { spec } = JSON.parse(text) as { spec: { banner: string } }
            expect(Number(spec.banner.slice(7))).toBeGreaterThanOrEqual(Number(banner.slice(7)))
          },
          { withinMs: 60_000, everyMs: 50 },
        )
    }

    await Promise.all([start(), start(), start()])
    await arrived(await change())
    const work = (async () => {
      while (!isOver) {
        await change()
        await sleep(150)
      }
    })()
    let took = performance.now()
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const one = await leader()
        running.delete(one.identity)
        const next = start()
        await one.stop(kill % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
        await next
        // Whoever leads now has written.
        await arrived(await change())
      }
      // A leader that sleeps until another has taken its place must not go on where it stopped.
      const asleep = await leader()
      asleep.signal('SIGSTOP')
      running.delete(asleep.identity)
      await leader()
      await arrived(await change())
      asleep.signal('SIGCONT')
      await asleep.waitForLog(({ message }) => message === 'lease lost', 30_000)
      await arrived(await change())
    } finally {
      isOver = true
      await work
    }
    took = performance.now() - took
    const { terms, strays } = termsOf(await plane.auditEvents(), users)
    process.stdout.write(
      `${terms.length} terms in ${Math.round(took)} ms, writes: ${terms.map(({ writes }) => writes).join(' ')}\n`,
    )
    expect(strays).toEqual([])
    expect(terms.filter(({ writes }) => writes > 0).length).toBeGreaterThan(KILLS)
  }, 300_000)
})
