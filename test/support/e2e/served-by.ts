import { expect } from 'vitest'
import type { SocketServerStatus } from '../../../crds/index.ts'
import { eventually } from '../eventually.ts'
import type { E2eCluster } from './cluster.ts'
import { askOnce, type EnginePod, type Stage } from './stage.ts'
import { PORT } from './two-hosts.ts'

/** Where engines tell their state, since no listener of the suite has that port. */
const ADMIN_PORT = 8900

/** The certificate that a pod says to serve for a host, for clusters whose pods are not reached. */
async function toldBy({ admin }: E2eCluster, { place }: Stage, pod: EnginePod, host: string): Promise<unknown> {
  const { body } = await admin.request(`${place.path('Pod', pod.name)}:${ADMIN_PORT}/proxy/status`)
  const { icsHosts } = body as SocketServerStatus
  return icsHosts?.find(({ hostTag }) => hostTag === host)?.certificates[0]?.sha256
}

/** Waits until the pod serves the certificate to clients of `shop`, and resolves with the milliseconds since `from`. */
export async function servedBy(
  { cluster, stage }: { readonly cluster: E2eCluster; readonly stage: Stage },
  pod: EnginePod,
  sha256: string,
  { from, withinMs }: { readonly from: number; readonly withinMs: number },
): Promise<number> {
  const target = await stage.podClient(pod, 'shop.example.com', PORT)
  const isReached = cluster.ownNode !== undefined
  await eventually(
    async () => expect(await (isReached ? askOnce(target) : toldBy(cluster, stage, pod, 'shop'))).toBe(sha256),
    { withinMs, everyMs: 50 },
  )
  return performance.now() - from
}
