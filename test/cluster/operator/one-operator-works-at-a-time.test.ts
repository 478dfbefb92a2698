import { expect, test } from 'vitest'
import { startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, echoSpec, installContract } from '../../support/operator/fixture.ts'
import { startOperator } from '../../support/operator/operator-process.ts'

const AUDIT = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: ['admin'] }],
}
const leads = async (operator: { metrics(): Promise<{ sum(name: string): number }> }) =>
  (await operator.metrics()).sum('leader_election_master_status') === 1

describeCluster('two operators', () => {
  test('one works; another takes over within 2 s of a clean stop and 15 s of a kill', async () => {
    await using plane = await startControlPlane({ auditPolicy: AUDIT })
    await installContract(plane)
    const place = await createPlace(plane.admin, 'shop')
    await using first = await startOperator(plane.admin.kubeconfig)
    await eventually(async () => expect(await leads(first)).toBe(true), { withinMs: 20_000 })
    await using second = await startOperator(plane.admin.kubeconfig)
    await using third = await startOperator(plane.admin.kubeconfig)
    expect([await leads(first), await leads(second), await leads(third)]).toEqual([true, false, false])

    const takeover = async (withinMs: number, candidates: readonly (typeof first)[]) => {
      const from = performance.now()
      const leader = await eventually(
        async () => {
          for (const one of candidates) if (await leads(one)) return one
          throw new Error('nobody leads')
        },
        { withinMs: withinMs + 10_000, everyMs: 20 },
      )
      return { leader, took: performance.now() - from }
    }
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    const stopped = await takeover(2_000, [second, third])
    expect(stopped.took).toBeLessThan(2_000)
    const other = stopped.leader === second ? third : second
    await stopped.leader.stop('SIGKILL')
    const killed = await takeover(15_000, [other])
    expect(killed.took).toBeLessThan(15_000)
    process.stdout.write(
      `takeover after stop ${Math.round(stopped.took)} ms, after kill ${Math.round(killed.took)} ms\n`,
    )

    await place.apply('edge', echoSpec(8443))
    await eventually(async () => expect(await place.exists('PodDisruptionBudget', 'edge-ics')).toBe(true), {
      withinMs: 15_000,
    })
  })
})

describeCluster('an object of a SocketServer that is not the operator’s alone', () => {
  test('is left to whoever declares it, or has it, and the status says so; the others are made', async () => {
    await using plane = await startControlPlane()
    await installContract(plane)
    const place = await createPlace(plane.admin, 'shop')
    await place.create('Service', 'foreign-ics', { spec: { ports: [{ port: 1 }] } })
    await using operator = await startOperator(plane.admin.kubeconfig)
    await place.apply('foreign', echoSpec(8443))
    await place.condition('foreign', 'Programmed', { status: 'False', reason: 'ObjectForeign' })
    expect((await place.get('Service', 'foreign-ics')).spec).toMatchObject({ ports: [{ port: 1 }] })
    expect(await place.exists('PodDisruptionBudget', 'foreign-ics')).toBe(true)

    await place.apply('edge', echoSpec(8443))
    await eventually(async () => expect(await place.exists('PodDisruptionBudget', 'edge-ics')).toBe(true), {
      withinMs: 15_000,
    })
    const taken = await plane.admin.request(
      `${place.path('PodDisruptionBudget', 'edge-ics')}?fieldManager=other&force=true`,
      {
        method: 'PATCH',
        contentType: 'application/apply-patch+yaml',
        body: {
          apiVersion: 'policy/v1',
          kind: 'PodDisruptionBudget',
          metadata: { name: 'edge-ics' },
          spec: { maxUnavailable: 5 },
        },
      },
    )
    expect(taken.status).toBe(200)
    const message = await place.condition('edge', 'Programmed', { status: 'False', reason: 'ObjectTaken' })
    expect(message).toMatch(/"other" declares \.spec\.maxUnavailable/)
    expect((await place.get('PodDisruptionBudget', 'edge-ics')).spec).toMatchObject({ maxUnavailable: 5 })
    expect(operator.ended()).toBe(false)
  })

  test('number of replicas that nobody declared begins with 2 and is left to an autoscaler', async () => {
    await using plane = await startControlPlane()
    await installContract(plane)
    const place = await createPlace(plane.admin, 'shop')
    await using _operator = await startOperator(plane.admin.kubeconfig)
    const { replicas: _replicas, ...spec } = echoSpec(8443)
    await place.apply('edge', spec)
    const replicas = async () => (await place.get('Deployment', 'edge-ics')).spec['replicas']
    await eventually(async () => expect(await replicas()).toBe(2), { withinMs: 15_000 })
    const scaled = await plane.admin.kubectl(['scale', '-n', 'shop', 'deployment/edge-ics', '--replicas=5'])
    expect(scaled.code, scaled.stderr).toBe(0)
    await place.apply('edge', { ...spec, template: { labels: { team: 'a' } } })
    await eventually(
      async () =>
        expect((await place.get('Deployment', 'edge-ics')).spec).toMatchObject({
          template: { metadata: { labels: { team: 'a' } } },
        }),
      { withinMs: 15_000 },
    )
    expect(await replicas()).toBe(5)
  })
})
