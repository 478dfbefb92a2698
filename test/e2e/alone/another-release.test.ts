import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTemporaryDirectory } from '../../support/control-plane/temporary-directory.ts'
import { startFreshClients } from '../../support/e2e/fresh-clients.ts'
import { ensureOperator, helm, RELEASE } from '../../support/e2e/helm.ts'
import { writeOlderChart } from '../../support/e2e/older-chart.ts'
import { replaced, uidsOf } from '../../support/e2e/replaced.ts'
import { PORT, serveTwoHosts, twoHosts } from '../../support/e2e/two-hosts.ts'
import { withStage } from '../../support/e2e/with-stage.ts'
import type { TlsClientOptions } from '../../support/tls-client.ts'

/** A field that the definition of the older chart has not got. */
const FIELD = 'maxClientsPerSource'
const ONE_IMAGE = 'the image has another name on a node of the suite alone'

const at = withStage('release')
let target: TlsClientOptions

beforeAll(async () => {
  await ensureOperator(at.cluster)
  await serveTwoHosts(at.stage)
  target = await at.stage.client('shop.example.com', PORT)
})
/** What an earlier test left under way, or broken, is put right. */
beforeEach(async () => {
  await ensureOperator(at.cluster)
  await replaced(at.stage, [], at.cluster.image)
})
afterAll(() => ensureOperator(at.cluster))

/** Applies a SocketServer that uses the field. */
const useField = () => at.stage.apply(twoHosts({ [FIELD]: 500 }))
const storedField = async () => (await at.stage.place.get('SocketServer', 'edge')).spec[FIELD]

test('a new image of the engine: every pod is replaced by one of it, and no request fails', async ({ skip }) => {
  const other = at.cluster.ownNode?.otherImage
  if (other === undefined) return skip(ONE_IMAGE)
  const before = await uidsOf(at.stage)
  await using load = await startFreshClients(target)
  await ensureOperator(at.cluster, ['--set-string', `engine.image.tag=${other.slice(other.lastIndexOf(':') + 1)}`])
  await replaced(at.stage, before, other)
  expect(await load.stop()).toEqual([])
})

test('helm upgrade from an older chart, with an older definition and image, and back: no request fails', async ({
  skip,
}) => {
  const other = at.cluster.ownNode?.otherImage
  if (other === undefined) return skip(ONE_IMAGE)
  await using directory = await createTemporaryDirectory('socketserver-older-chart-')
  const older = await writeOlderChart(directory.path, FIELD)
  await using load = await startFreshClients(target)
  await ensureOperator({ ...at.cluster, image: other }, [], older)
  await replaced(at.stage, [], other)
  await expect(useField()).rejects.toThrow(`.spec.${FIELD}: field not declared in schema`)
  await at.stage.apply(twoHosts({ maxClients: 111 }))
  await ensureOperator(at.cluster)
  await replaced(at.stage, [], at.cluster.image)
  await useField()
  expect(await storedField()).toBe(500)
  await helm(at.cluster, ['rollback', RELEASE.name, '--namespace', RELEASE.namespace, '--wait', '--timeout=3m'])
  await replaced(at.stage, [], other)
  await at.stage.apply(twoHosts({ maxClients: 222 }))
  expect(await storedField()).toBeUndefined()
  expect(await load.stop()).toEqual([])
})
