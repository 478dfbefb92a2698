import { afterEach } from 'vitest'
import type { Place } from '../operator/fixture.ts'
import type { E2eCluster } from './cluster.ts'

/** Any object, as far as it is explained. */
interface Explained {
  readonly metadata: { readonly name: string }
  readonly reason?: string
  readonly note?: string
  readonly regarding?: { readonly kind: string; readonly name: string }
  readonly spec?: { readonly containers?: readonly { readonly name: string; readonly ports?: readonly Port[] }[] }
  readonly status?: unknown
}

interface Port {
  readonly name?: string
  readonly containerPort: number
}

const LOG_LINES = 60

/** What a person would look at first in a namespace: conditions, events, and of every pod its state, its log and its `/status`. */
async function explainPlace(cluster: E2eCluster, place: Place): Promise<string> {
  const lines: string[] = [`--- namespace ${place.namespace}`]
  const ask = async (path: string) => {
    const { status, body } = await cluster.admin.request(path)
    return status === 200 ? body : { status, body }
  }
  const asked = async (kind: 'SocketServer' | 'Event' | 'Pod') =>
    ((await ask(place.path(kind))) as { items?: readonly Explained[] }).items ?? []
  for (const server of await asked('SocketServer'))
    lines.push(`SocketServer ${server.metadata.name}: ${JSON.stringify(server.status, null, 1)}`)
  for (const event of await asked('Event'))
    lines.push(`event ${event.regarding?.kind} ${event.regarding?.name}: ${event.reason}: ${event.note}`)
  for (const pod of await asked('Pod')) {
    const { name } = pod.metadata
    lines.push(`pod ${name}: ${JSON.stringify(pod.status)}`)
    for (const container of pod.spec?.containers ?? []) {
      const log = await ask(`${place.path('Pod', name)}/log?container=${container.name}&tailLines=${LOG_LINES}`)
      lines.push(`log of ${name} ${container.name}:\n${typeof log === 'string' ? log : JSON.stringify(log)}`)
      const admin = container.ports?.find((port) => port.name === 'admin')?.containerPort
      if (admin === undefined) continue
      const status = await ask(`${place.path('Pod', `${name}:${admin}`)}/proxy/status`)
      lines.push(`/status of ${name}: ${JSON.stringify(status)}`)
    }
  }
  return lines.join('\n')
}

/** Prints what explains the failure of a test, of each of the places, after each test that failed. */
export function explainFailures(
  cluster: () => E2eCluster | undefined,
  places: () => readonly (Place | undefined)[],
): void {
  afterEach(async ({ task }) => {
    const reached = cluster()
    if (task.result?.state !== 'fail' || reached === undefined) return
    for (const place of places())
      if (place !== undefined)
        process.stdout.write(
          `${await explainPlace(reached, place).catch((error) => `nothing can be told: ${error}`)}\n`,
        )
  })
}
