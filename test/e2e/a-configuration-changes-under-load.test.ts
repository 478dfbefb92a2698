import { expect, test } from 'vitest'
import { distributionOf } from '../support/e2e/distribution.ts'
import { askOnce } from '../support/e2e/stage.ts'
import { KEEPER, PORT, twoHosts } from '../support/e2e/two-hosts.ts'
import { withStage } from '../support/e2e/with-stage.ts'
import { eventually } from '../support/eventually.ts'
import { startLoad } from '../support/steady-load.ts'
import { refusalOf } from '../support/tls-client.ts'

const TIMES = 100

const at = withStage('configuration')

test(`the configuration changes ${TIMES} times under load: no request of another host fails, no pod restarts`, async () => {
  const { stage } = at
  await stage.renew('shop-tls', ['shop.example.com', 'keeper.example.com'])
  await stage.renew('calm-tls', ['calm.example.com'])
  await stage.apply(twoHosts())
  const pods = await stage.pods()
  const calm = await stage.client('calm.example.com', PORT)
  await using load = await startLoad([calm], { kept: 4, fresh: 2, pauseMs: 20 })
  const took: number[] = []
  for (let count = 0; count < TIMES; count += 1) {
    // The host "shop" is there or away, the limit is another one each time; "calm" stays as it is.
    const spec = twoHosts({ maxClients: 1_000 + count })
    const hosts = (spec['icsHosts'] as { hostTag: string }[]).filter(
      ({ hostTag }) => count % 2 === 1 || hostTag === 'calm',
    )
    const from = performance.now()
    await stage.apply({ ...spec, icsHosts: [...hosts, KEEPER] })
    for (const pod of pods) {
      const shop = await stage.podClient(pod, 'shop.example.com', PORT)
      // Ready says that each pod runs this generation, so there is nothing to wait for.
      if (count % 2 === 1) await askOnce(shop)
      else expect(await refusalOf(shop)).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    }
    took.push(performance.now() - from)
    expect(load.failures).toEqual([])
  }
  expect(await load.stop()).toEqual([])
  process.stdout.write(`from kubectl apply to Ready and served, ${distributionOf(took)}; ${load.answered} requests\n`)
  await eventually(async () => {
    const now = await stage.pods()
    expect(now.map(({ uid, restarts }) => ({ uid, restarts }))).toEqual(pods.map(({ uid }) => ({ uid, restarts: 0 })))
  })
}, 900_000)
