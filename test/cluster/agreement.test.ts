import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { judge } from '../support/cluster/agreement.ts'
import { mutationsOf } from '../support/cluster/mutations.ts'
import { installDefinition } from '../support/cluster/socket-server-api.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane/control-plane.ts'
import { describeCluster } from '../support/control-plane/describe-cluster.ts'
import { validSocketServer } from '../unit/crds/arbitrary.ts'

const SEED = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31)
const RESOURCES = 2_000
/** So many are asked at once. */
const AT_ONCE = 20

/** A resource of the contract, or one that is changed in one place. */
const resource = fc.tuple(validSocketServer, fc.boolean(), fc.nat()).map(([made, mutated, choice]) => {
  const manifest = { ...made, metadata: { ...(made['metadata'] as object), namespace: 'default' } }
  const mutations = mutated ? mutationsOf(manifest) : []
  const mutation = mutations[choice % mutations.length]
  return { name: mutation?.name ?? 'as it is', manifest: mutation?.apply() ?? manifest }
})

describeCluster('zod and the API server', () => {
  let plane: ControlPlane

  beforeAll(async () => {
    plane = await startControlPlane()
    await installDefinition(plane.admin)
  })
  afterAll(() => plane?.[Symbol.asyncDispose]())

  test(`give the same verdict on ${RESOURCES} resources (FAST_CHECK_SEED=${SEED})`, { timeout: 900_000 }, async () => {
    console.log(`seed of the ${RESOURCES} resources: ${SEED}; FAST_CHECK_SEED=${SEED} repeats them`)
    let accepted = 0
    let refused = 0
    const batches = fc.asyncProperty(
      fc.array(resource, { minLength: 1, maxLength: AT_ONCE, size: 'max' }),
      async (batch) => {
        const judged = await Promise.all(
          batch.map(async ({ name, manifest }) => ({ name, ...(await judge(plane.admin, manifest)) })),
        )
        accepted += judged.filter((one) => one.accepted).length
        refused += judged.filter((one) => !one.accepted).length
        const disagreements = judged.flatMap(({ name, disagreement }) =>
          disagreement ? [`${name}: ${disagreement}`] : [],
        )
        expect(disagreements).toEqual([])
      },
    )
    let round = 0
    // The length of a batch is by chance.
    while (accepted + refused < RESOURCES)
      await fc.assert(batches, {
        ...{ seed: SEED + round++, numRuns: 50 },
        // A disagreement is made smaller for so long and no longer.
        ...{ interruptAfterTimeLimit: 300_000, markInterruptAsFailure: true },
      })
    console.log(`${accepted} were accepted and ${refused} refused, by both`)
    expect(refused).toBeGreaterThan(RESOURCES / 4)
    expect(accepted).toBeGreaterThan(RESOURCES / 4)
  })
})
