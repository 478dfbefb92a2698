import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { distributionOf } from '../support/e2e/distribution.ts'
import { servedBy } from '../support/e2e/served-by.ts'
import { serveTwoHosts } from '../support/e2e/two-hosts.ts'
import { withStage } from '../support/e2e/with-stage.ts'

const WITHIN_MS = 240_000
/** A nudge of the first configuration may still be under way. */
const QUIET_MS = 6_000

const at = withStage('untold')

test('a Secret is replaced and nobody tells: the kubelet brings it in its own time', async () => {
  const { stage } = at
  await serveTwoHosts(stage)
  await sleep(QUIET_MS)
  const pods = await stage.pods()
  const from = performance.now()
  const sha256 = await stage.renew('shop-tls', ['shop.example.com'])
  const took = await Promise.all(pods.map((pod) => servedBy(at, pod, sha256, { from, withinMs: WITHIN_MS })))
  process.stdout.write(`from the Secret to the wire, not nudged, ${distributionOf(took)}\n`)
})
