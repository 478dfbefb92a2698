import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { distributionOf } from '../../support/e2e/distribution.ts'
import { ensureOperator } from '../../support/e2e/helm.ts'
import { servedBy } from '../../support/e2e/served-by.ts'
import { PORT, serveTwoHosts } from '../../support/e2e/two-hosts.ts'
import { withStage } from '../../support/e2e/with-stage.ts'
import { startLoad } from '../../support/steady-load.ts'

/** The kubelet looks by itself after a minute; what is slower than this was not nudged. */
const NUDGED_WITHIN_MS = 45_000
/** The operator tells pods of Secrets at most every 5 s. */
const QUIET_MS = 6_000

const at = withStage('watched')

beforeAll(async () => {
  await ensureOperator(at.cluster, ['--set', 'watchSecrets=true'])
  await serveTwoHosts(at.stage)
})
afterAll(() => ensureOperator(at.cluster))

test('the operator may watch Secrets, and one is replaced: each pod serves it, and no request fails', async () => {
  const { stage } = at
  const pods = await stage.pods()
  await using load = await startLoad([await stage.client('shop.example.com', PORT)], { kept: 2, fresh: 1, pauseMs: 20 })
  const took: number[] = []
  for (let count = 0; count < 3; count += 1) {
    await sleep(QUIET_MS)
    const from = performance.now()
    const sha256 = await stage.renew('shop-tls', ['shop.example.com'])
    took.push(
      ...(await Promise.all(pods.map((pod) => servedBy(at, pod, sha256, { from, withinMs: NUDGED_WITHIN_MS })))),
    )
  }
  expect(await load.stop()).toEqual([])
  process.stdout.write(`from the Secret to the wire, watched, ${distributionOf(took)}\n`)
})
