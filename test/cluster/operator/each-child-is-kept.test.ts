import { expect, test } from 'vitest'
import { startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, echoSpec, installContract } from '../../support/operator/fixture.ts'
import { startOperator } from '../../support/operator/operator-process.ts'

/** Each child, and fields of it that somebody else may want otherwise. */
const CHILDREN = [
  ['ConfigMap', 'v1', { data: { 'socketserver.json': '{}' } }],
  ['Service', 'v1', { spec: { type: 'NodePort' } }],
  ['ServiceAccount', 'v1', { automountServiceAccountToken: true }],
  ['Deployment', 'apps/v1', { spec: { strategy: { rollingUpdate: { maxSurge: 7 } } } }],
  ['PodDisruptionBudget', 'policy/v1', { spec: { maxUnavailable: 7 } }],
] as const

describeCluster('each child of a SocketServer', () => {
  test('is made again when it is deleted, and told by name and owner when it is taken over, until it is given back', async () => {
    await using plane = await startControlPlane()
    await installContract(plane)
    const place = await createPlace(plane.admin, 'shop')
    await using operator = await startOperator(plane.admin.kubeconfig)
    for (const name of ['edge', 'other']) await place.apply(name, echoSpec(8443))
    const uids = async (name: string) =>
      await Promise.all(CHILDREN.map(async ([kind]) => (await place.get(kind, `${name}-ics`)).metadata.uid))
    const before = await eventually(() => uids('edge'), { withinMs: 30_000, everyMs: 100 })

    for (const [kind] of CHILDREN) await place.remove(kind, 'edge-ics')
    await eventually(
      async () => {
        for (const [index, uid] of (await uids('edge')).entries()) expect(uid).not.toBe(before[index])
      },
      { withinMs: 30_000, everyMs: 100 },
    )

    const declare = async (kind: (typeof CHILDREN)[number][0], apiVersion: string, fields: object) => {
      const path = `${place.path(kind, 'edge-ics')}?fieldManager=other-tool&force=true`
      const body = { apiVersion, kind, metadata: { name: 'edge-ics' }, ...fields }
      const contentType = 'application/apply-patch+yaml'
      const { status } = await plane.admin.request(path, { method: 'PATCH', contentType, body })
      expect(status, kind).toBe(200)
    }
    for (const [kind, apiVersion, fields] of CHILDREN) await declare(kind, apiVersion, fields)
    await eventually(
      async () => {
        const wanted = { status: 'False', reason: 'ObjectTaken' }
        const message = await place.condition('edge', 'Programmed', wanted)
        for (const [kind] of CHILDREN) expect(message).toMatch(new RegExp(`${kind} "edge-ics".*"other-tool" declares`))
      },
      { withinMs: 60_000, everyMs: 100 },
    )
    for (const [kind, , fields] of CHILDREN) expect(await place.get(kind, 'edge-ics'), kind).toMatchObject(fields)
    await place.apply('other', echoSpec(8443, { banner: 'goes on' }))
    await eventually(
      async () => {
        const { data } = await place.get('ConfigMap', 'other-ics')
        expect(data?.['socketserver.json']).toContain('goes on')
      },
      { withinMs: 30_000, everyMs: 100 },
    )

    for (const [kind, apiVersion] of CHILDREN) await declare(kind, apiVersion, {})
    await eventually(
      async () => {
        for (const [kind, , fields] of CHILDREN)
          expect(await place.get(kind, 'edge-ics'), kind).not.toMatchObject(fields)
        const { data } = await place.get('ConfigMap', 'edge-ics')
        expect(JSON.parse(data?.['socketserver.json'] ?? '')).toMatchObject({ kind: 'SocketServer' })
        expect(await place.condition('edge', 'Programmed', {})).not.toContain('other-tool')
      },
      { withinMs: 90_000, everyMs: 200 },
    )
    expect(operator.ended()).toBe(false)
  }, 240_000)
})
