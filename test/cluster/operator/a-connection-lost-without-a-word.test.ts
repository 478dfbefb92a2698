import { expect, test } from 'vitest'
import { startControlPlane } from '../../support/control-plane/control-plane.ts'
import { describeCluster } from '../../support/control-plane/describe-cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { createPlace, echoSpec, installContract } from '../../support/operator/fixture.ts'
import { startOperator } from '../../support/operator/operator-process.ts'
import { startTcpRelay } from '../../support/operator/tcp-relay.ts'

describeCluster('a connection to the API server that is lost without a word', () => {
  test('is noticed and made anew, and what was changed meanwhile arrives', async () => {
    await using plane = await startControlPlane()
    await installContract(plane)
    const place = await createPlace(plane.admin, 'shop')
    await using relay = await startTcpRelay(plane.admin)
    await using operator = await startOperator(relay.kubeconfig)
    const arrives = async (banner: string, withinMs: number) => {
      await place.apply('edge', echoSpec(8443, { banner }))
      await eventually(
        async () => {
          const { data } = await place.get('ConfigMap', 'edge-ics')
          expect(data?.['socketserver.json']).toContain(banner)
        },
        { withinMs, everyMs: 100 },
      )
    }
    await arrives('before', 30_000)
    const { accepted } = relay
    relay.forget()
    const from = performance.now()
    await arrives('after', 90_000)
    process.stdout.write(`a lost connection cost ${Math.round(performance.now() - from)} ms\n`)
    expect(relay.accepted).toBeGreaterThan(accepted)
    expect(operator.ended()).toBe(false)
  }, 240_000)
})
