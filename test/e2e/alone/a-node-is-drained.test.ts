import { dirname } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startChild } from '../../support/child.ts'
import { startFreshClients } from '../../support/e2e/fresh-clients.ts'
import { ensureOperator } from '../../support/e2e/helm.ts'
import { replaced, uidsOf } from '../../support/e2e/replaced.ts'
import { PORT, serveTwoHosts } from '../../support/e2e/two-hosts.ts'
import { withStage } from '../../support/e2e/with-stage.ts'
import { eventually } from '../../support/eventually.ts'
import type { TlsClientOptions } from '../../support/tls-client.ts'

const HELD_MS = 60_000
/** While the node takes no pod, evictions are tried for so long. */
const DRAIN = ['--pod-selector=app.kubernetes.io/instance=edge', '--delete-emptydir-data', '--timeout=4m']

const at = withStage('drain')
let target: TlsClientOptions

beforeAll(async () => {
  await ensureOperator(at.cluster)
  await serveTwoHosts(at.stage)
  target = await at.stage.client('shop.example.com', PORT)
})
beforeEach(() => uncordon())
afterAll(() => uncordon())

async function uncordon(): Promise<void> {
  const { ownNode, admin } = at.cluster
  if (ownNode === undefined) return
  const said = await admin.kubectl(['uncordon', ownNode.nodeName])
  expect(said.code, said.stderr).toBe(0)
}

test('kubectl drain of the only node: one pod serves on until another has a place, and no request fails', async ({
  skip,
}) => {
  const { ownNode, kubectl, kubeconfig } = at.cluster
  if (ownNode === undefined) return skip('a node is drained that is the suite’s own alone')
  await replaced(at.stage, [])
  const before = await uidsOf(at.stage)
  await using load = await startFreshClients(target)
  const drain = await startChild([kubectl, 'drain', ownNode.nodeName, ...DRAIN], {
    env: { PATH: process.env['PATH'] ?? '', HOME: dirname(kubeconfig), KUBECONFIG: kubeconfig },
  })
  try {
    let said = ''
    for (const stream of [drain.process.stdout, drain.process.stderr])
      stream?.setEncoding('utf8').on('data', (words: string) => {
        said += words
      })
    await eventually(
      async () => {
        expect(said).toContain("Cannot evict pod as it would violate the pod's disruption budget")
        // The one that was let go has ended; the other serves, and its like waits for a node.
        const pods = await at.stage.pods()
        expect(pods.filter(({ uid }) => before.includes(uid))).toMatchObject([{ isReady: true, isEnding: false }])
        expect(pods.filter(({ uid }) => !before.includes(uid))).toMatchObject([{ isReady: false }])
      },
      { withinMs: HELD_MS, everyMs: 200 },
    )
    const answered = load.answered
    await eventually(() => expect(load.answered).toBeGreaterThan(answered + 200), { withinMs: HELD_MS })
    expect(load.failures).toEqual([])
    await uncordon()
    await replaced(at.stage, before)
    expect((await drain.exited).code, said).toBe(0)
    expect(await load.stop()).toEqual([])
  } finally {
    drain.process.kill('SIGKILL')
  }
})
