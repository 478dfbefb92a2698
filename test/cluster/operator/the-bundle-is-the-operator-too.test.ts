import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ControlPlane, startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { buildDist, type Dist } from '../../support/dist.ts'
import {
  createPlace,
  echoSpec,
  grantOperatorRole,
  installContract,
  type Place,
} from '../../support/operator/fixture.ts'
import { type OperatorProcess, printedRoles, startOperator } from '../../support/operator/operator-process.ts'
import { freePort } from '../../support/ports.ts'
import { repository } from '../../support/runtime.ts'

const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }

describeCluster('the operator of the bundle', () => {
  let dist: Dist
  let plane: ControlPlane
  let place: Place
  let operator: OperatorProcess

  beforeAll(async () => {
    dist = buildDist()
    plane = await startControlPlane()
    await installContract(plane)
    place = await createPlace(plane.admin, 'shop')
    await grantOperatorRole(plane, 'operator', await printedRoles())
    const { kubeconfig } = await plane.identity('operator')
    operator = await startOperator(kubeconfig, { program: [dist.command[1], 'operator'] })
  })
  afterAll(async () => {
    await operator?.[Symbol.asyncDispose]()
    await plane?.[Symbol.asyncDispose]()
    dist?.[Symbol.dispose]()
  })

  test('makes of a SocketServer pods that start the engine of its own version', async () => {
    await place.apply('edge', echoSpec(await freePort()))
    await place.condition('edge', 'Programmed', { status: 'False', reason: 'Progressing' }, 30_000)
    const { spec } = await place.get('Deployment', 'edge-ics')
    expect(spec).toMatchObject({
      template: {
        spec: {
          containers: [{ name: 'engine', image: `socketserver:${version}`, args: expect.arrayContaining(['serve']) }],
        },
      },
    })
  })
})
