import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ControlPlane, startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, installContract, type Place } from '../../support/operator/fixture.ts'
import { type OperatorProcess, startOperator } from '../../support/operator/operator-process.ts'
import { contractBeforeStatus, newerContract, olderContract } from '../../support/operator/other-contracts.ts'

/** Everything about a port that echoes. */
const plainSpec = (port: number, more: object = {}) => ({
  replicas: 1,
  listeners: [{ name: 'plain', port, tls: false, handler: { type: 'Echo' } }],
  ...more,
})

describeCluster('a SocketServer that', () => {
  let plane: ControlPlane
  let place: Place
  let operator: OperatorProcess
  let turns = 0

  /** Installs a definition, and waits until it is what the API server has. */
  const install = async (definition: object) => {
    const applied = await plane.admin.kubectl(['replace', '-f', '-'], { input: JSON.stringify(definition) })
    expect(applied.code, applied.stderr).toBe(0)
  }
  const manifest = async (name: string) =>
    JSON.parse((await place.get('ConfigMap', `${name}-ics`)).data?.['socketserver.json'] ?? '{}')
  const programmed = (name: string, reason: string) => place.condition(name, 'Programmed', { status: 'False', reason })

  beforeAll(async () => {
    plane = await startControlPlane()
    await installContract(plane)
    place = await createPlace(plane.admin, 'shop')
    operator = await startOperator(plane.admin.kubeconfig)
    await place.apply('good', plainSpec(7000))
    await programmed('good', 'Progressing')
  })
  afterAll(async () => {
    await operator?.[Symbol.asyncDispose]()
    await plane?.[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    // Whatever is wrong with one, the next change of another is obeyed.
    turns += 1
    await place.apply('good', plainSpec(7000, { maxClients: turns }))
    await eventually(async () => expect((await manifest('good')).spec.maxClients).toBe(turns), { withinMs: 20_000 })
    expect(operator.ended()).toBe(false)
  })

  test('asks for a port of the nodes that the cluster does not give', async () => {
    await place.apply(
      'low',
      plainSpec(7001, { service: { type: 'NodePort', ports: [{ listener: 'plain', nodePort: 80 }] } }),
    )
    expect(await programmed('low', 'ObjectRefused')).toMatch(
      /Service "low-ics": .*nodePort.*80.*valid range.*: correct spec\.service$/,
    )
    await place.apply(
      'first',
      plainSpec(7002, { service: { type: 'NodePort', ports: [{ listener: 'plain', nodePort: 30_123 }] } }),
    )
    await programmed('first', 'Progressing')
    await place.apply(
      'low',
      plainSpec(7001, { service: { type: 'NodePort', ports: [{ listener: 'plain', nodePort: 30_123 }] } }),
    )
    expect(await programmed('low', 'ObjectRefused')).toMatch(/30123.*already allocated: correct spec\.service$/)
    expect((await place.status('low')).conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ObjectRefused',
    })
    await place.apply('low', plainSpec(7001))
    await programmed('low', 'Progressing')
    expect((await place.get('Service', 'low-ics')).spec).toMatchObject({ type: 'ClusterIP' })
  })

  test('asks for another load balancer than it has', async () => {
    const balanced = (loadBalancerClass: string) =>
      plainSpec(7003, { service: { type: 'LoadBalancer', loadBalancerClass } })
    await place.apply('balanced', balanced('no class!'))
    expect(await programmed('balanced', 'ObjectRefused')).toMatch(/loadBalancerClass.*: correct spec\.service$/)
    await place.apply('balanced', balanced('example.com/one'))
    await programmed('balanced', 'Progressing')
    await place.apply('balanced', balanced('example.com/two'))
    expect(await programmed('balanced', 'ObjectRefused')).toMatch(
      /may not change once set: delete the Service, and it is made anew$/,
    )
    await place.remove('Service', 'balanced-ics')
    await programmed('balanced', 'Progressing')
    expect((await place.get('Service', 'balanced-ics')).spec).toMatchObject({ loadBalancerClass: 'example.com/two' })
  })

  test('is in a namespace that is being deleted', async () => {
    const ending = await createPlace(plane.admin, `ending-${turns}`)
    await ending.apply('late', plainSpec(7004))
    await ending.condition('late', 'Programmed', { status: 'False', reason: 'Progressing' })
    // Nobody cleans up here: the namespace stays in that state.
    await plane.admin.request(`/api/v1/namespaces/${ending.namespace}`, { method: 'DELETE', body: {} })
    await ending.remove('PodDisruptionBudget', 'late-ics')
    const message = await ending.condition('late', 'Programmed', { status: 'False', reason: 'NamespaceTerminating' })
    expect(message).toMatch(/"late-ics": the namespace is being deleted: apply the SocketServer in another namespace/)
  })

  test('uses fields and values of a later release', async () => {
    await place.apply('ahead', plainSpec(7005))
    await programmed('ahead', 'Progressing')
    const before = await manifest('ahead')
    await install(newerContract())
    let maxClients = 100
    // A watch that began under the definition before may show a specification once more as that has it.
    await eventually(
      async () => {
        maxClients += 1
        await place.apply('ahead', plainSpec(7005, { maxClients, bindPolicy: 'Someday', timeouts: { quicSeconds: 3 } }))
        const wanted = { status: 'False', reason: 'Unsupported' }
        const message = await place.condition('ahead', 'Accepted', wanted, 5_000)
        expect(message).toMatch(/spec\.bindPolicy.*Someday/)
        expect(message).toMatch(/spec\.timeouts.*quicSeconds/)
        expect(message).toMatch(/this operator may be older than the CRD: bring both to one version$/)
      },
      { withinMs: 60_000 },
    )
    await place.condition('ahead', 'Ready', { status: 'False', reason: 'Unsupported' })
    expect(await manifest('ahead')).toEqual(before)

    await place.apply('ahead', plainSpec(7005, { maxClients: 5 }))
    await place.condition('ahead', 'Accepted', { status: 'True' })
    expect((await manifest('ahead')).spec.maxClients).toBe(5)
  })

  test('was written under an earlier release, and is neither changed nor rolled by the next', async () => {
    await install(olderContract('service', 'template', 'timeouts', 'access'))
    const bare = { listeners: [{ name: 'plain', port: 7006, tls: false, handler: { type: 'Echo' } }] }
    await eventually(
      async () => {
        await place.apply('behind', bare)
        const { spec } = await place.get('SocketServer', 'behind')
        // The API server takes a moment to use a definition: what it stored by the one before keeps the defaults of that.
        if (Object.hasOwn(spec, 'bindPolicy')) await place.remove('SocketServer', 'behind')
        expect(spec).toEqual(bare)
      },
      { withinMs: 30_000, everyMs: 200 },
    )
    await place.condition('behind', 'Accepted', { status: 'True' })
    await programmed('behind', 'Progressing')
    const deployment = await place.get('Deployment', 'behind-ics')
    await installContract(plane)
    await eventually(
      async () =>
        expect((await place.get('SocketServer', 'behind')).spec).toMatchObject({ ...bare, bindPolicy: 'BestEffort' }),
      { withinMs: 30_000 },
    )
    await place.apply('behind', { ...bare, maxClients: 9 })
    await eventually(async () => expect((await manifest('behind')).spec.maxClients).toBe(9), { withinMs: 20_000 })
    expect((await place.get('Deployment', 'behind-ics')).spec).toEqual(deployment.spec)
  })

  test('is reported on also where the definition is older than the operator, and it says so', async () => {
    await install(contractBeforeStatus('hosts', 'readyListeners'))
    await eventually(
      async () => {
        const path = `${place.path('SocketServer', 'good')}/status`
        const contentType = 'application/merge-patch+json'
        const { body } = await plane.admin.request(path, {
          method: 'PATCH',
          contentType,
          body: { status: { hosts: 7 } },
        })
        expect((body as { status: object }).status).not.toHaveProperty('hosts')
      },
      { withinMs: 30_000 },
    )
    await place.apply('reported', plainSpec(7007))
    await programmed('reported', 'Progressing')
    const message = await place.condition('reported', 'Accepted', { status: 'True' })
    expect(message).toMatch(
      /older than this operator and does not take status\.hosts, status\.readyListeners: install that of this release$/,
    )
    expect(await place.status('reported')).toMatchObject({ replicas: 0, selector: expect.any(String) })
    await installContract(plane)
  })
})
