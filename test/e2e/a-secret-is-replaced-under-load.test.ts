import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { distributionOf } from '../support/e2e/distribution.ts'
import { ensureOperator } from '../support/e2e/helm.ts'
import type { EnginePod } from '../support/e2e/stage.ts'
import { askOnce } from '../support/e2e/stage.ts'
import { PORT, twoHosts } from '../support/e2e/two-hosts.ts'
import { withStage } from '../support/e2e/with-stage.ts'
import { eventually } from '../support/eventually.ts'
import { startLoad } from '../support/steady-load.ts'

const TIMES = 100
/** The kubelet looks by itself after a minute, and up to half of one later; what is slower than it was not nudged. */
const NUDGED_WITHIN_MS = 45_000
const BY_ITSELF_WITHIN_MS = 240_000
/** The operator tells pods of Secrets at most every 5 s. */
const QUIET_MS = 6_000

const at = withStage('secret')

/** Waits until the pod serves the certificate, and resolves with the milliseconds since `from`. */
async function servedBy(pod: EnginePod, sha256: string, from: number, withinMs: number): Promise<number> {
  const target = at.stage.podClient(pod, 'shop.example.com', PORT)
  await eventually(async () => expect(await askOnce(target)).toBe(sha256), { withinMs, everyMs: 50 })
  return performance.now() - from
}

test(`a Secret is replaced ${TIMES} times under load: each pod serves it once nudged, and no request fails`, async () => {
  const { stage } = at
  for (const name of ['shop', 'calm']) await stage.renew(`${name}-tls`, [`${name}.example.com`])
  await stage.apply(twoHosts())
  const pods = await stage.pods()
  expect(pods).toHaveLength(2)
  const targets = await Promise.all(['shop', 'calm'].map((name) => stage.client(`${name}.example.com`, PORT)))
  await using load = await startLoad(targets, { kept: 2, fresh: 1, pauseMs: 20 })
  const took: number[] = []
  for (let count = 0; count < TIMES; count += 1) {
    const from = performance.now()
    const sha256 = await stage.renew('shop-tls', ['shop.example.com'])
    await stage.recheck()
    took.push(...(await Promise.all(pods.map((pod) => servedBy(pod, sha256, from, NUDGED_WITHIN_MS)))))
    expect(load.failures).toEqual([])
  }
  expect(await load.stop()).toEqual([])
  process.stdout.write(`from the Secret to the wire, nudged, ${distributionOf(took)}; ${load.answered} requests\n`)
  expect((await stage.pods()).map(({ uid, restarts }) => ({ uid, restarts }))).toEqual(
    pods.map(({ uid }) => ({ uid, restarts: 0 })),
  )
}, 900_000)

test('a Secret is replaced and nobody tells: the kubelet brings it in its own time', async () => {
  const { stage } = at
  const pods = await stage.pods()
  // A nudge of the changes before may still be under way.
  await sleep(QUIET_MS)
  const from = performance.now()
  const sha256 = await stage.renew('shop-tls', ['shop.example.com'])
  const took = await Promise.all(pods.map((pod) => servedBy(pod, sha256, from, BY_ITSELF_WITHIN_MS)))
  process.stdout.write(`from the Secret to the wire, not nudged, ${distributionOf(took)}\n`)
})

test('a Secret is replaced and the operator may watch Secrets: each pod serves it, and no request fails', async () => {
  const { stage } = at
  await ensureOperator(at.cluster, ['--set', 'watchSecrets=true'])
  const pods = await stage.pods()
  await using load = await startLoad([await stage.client('shop.example.com', PORT)], { kept: 2, fresh: 1, pauseMs: 20 })
  const took: number[] = []
  for (let count = 0; count < 5; count += 1) {
    await sleep(QUIET_MS)
    const from = performance.now()
    const sha256 = await stage.renew('shop-tls', ['shop.example.com'])
    took.push(...(await Promise.all(pods.map((pod) => servedBy(pod, sha256, from, NUDGED_WITHIN_MS)))))
  }
  expect(await load.stop()).toEqual([])
  process.stdout.write(`from the Secret to the wire, watched, ${distributionOf(took)}\n`)
})
