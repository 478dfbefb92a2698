import { expect, test } from 'vitest'
import { distributionOf } from '../support/e2e/distribution.ts'
import { servedBy } from '../support/e2e/served-by.ts'
import { PORT, serveTwoHosts } from '../support/e2e/two-hosts.ts'
import { withStage } from '../support/e2e/with-stage.ts'
import { startLoad } from '../support/steady-load.ts'

const TIMES = 100
/** The kubelet looks by itself after a minute, and up to half of one later; what is slower than it was not nudged. */
const NUDGED_WITHIN_MS = 45_000
const SERVED_MS = 3_000

const at = withStage('secret')

test(`a Secret is replaced ${TIMES} times under load: each pod serves it in ${SERVED_MS / 1_000} s once nudged, and no request fails`, async () => {
  const { stage } = at
  await serveTwoHosts(stage)
  const pods = await stage.pods()
  expect(pods).toHaveLength(2)
  const targets = await Promise.all(['shop', 'calm'].map((name) => stage.client(`${name}.example.com`, PORT)))
  await using load = await startLoad(targets, { kept: 2, fresh: 1, pauseMs: 20 })
  const took: number[] = []
  for (let count = 0; count < TIMES; count += 1) {
    const from = performance.now()
    const sha256 = await stage.renew('shop-tls', ['shop.example.com'])
    await stage.recheck()
    took.push(
      ...(await Promise.all(pods.map((pod) => servedBy(at, pod, sha256, { from, withinMs: NUDGED_WITHIN_MS })))),
    )
    expect(load.failures).toEqual([])
  }
  expect(await load.stop()).toEqual([])
  process.stdout.write(`from the Secret to the wire, nudged, ${distributionOf(took)}; ${load.answered} requests\n`)
  // The most is told above; here a machine whose processors others keep busy is forgiven one in ten.
  expect(took.filter((ms) => ms > SERVED_MS).length).toBeLessThanOrEqual(took.length / 10)
  expect((await stage.pods()).map(({ uid, restarts }) => ({ uid, restarts }))).toEqual(
    pods.map(({ uid }) => ({ uid, restarts: 0 })),
  )
}, 900_000)
