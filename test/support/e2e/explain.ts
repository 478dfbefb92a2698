import { afterEach } from 'vitest'
import type { E2eCluster } from './cluster.ts'
import { RELEASE } from './helm.ts'

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
async function explainNamespace(cluster: E2eCluster, namespace: string): Promise<string> {
  const lines: string[] = [`--- namespace ${namespace}`]
  const ask = async (path: string) => {
    const { status, body } = await cluster.admin.request(path)
    return status === 200 ? body : { status, body }
  }
  const list = async (group: string, plural: string) =>
    ((await ask(`/${group}/namespaces/${namespace}/${plural}`)) as { items?: readonly Explained[] }).items ?? []
  const podPath = `/api/v1/namespaces/${namespace}/pods`
  for (const server of await list('apis/icshosts.io/v1alpha1', 'socketservers'))
    lines.push(`SocketServer ${server.metadata.name}: ${JSON.stringify(server.status, null, 1)}`)
  for (const event of await list('apis/events.k8s.io/v1', 'events'))
    lines.push(`event ${event.regarding?.kind} ${event.regarding?.name}: ${event.reason}: ${event.note}`)
  for (const pod of await list('api/v1', 'pods')) {
    const { name } = pod.metadata
    lines.push(`pod ${name}: ${JSON.stringify(pod.status)}`)
    for (const container of pod.spec?.containers ?? []) {
      const log = await ask(`${podPath}/${name}/log?container=${container.name}&tailLines=${LOG_LINES}`)
      lines.push(`log of ${name} ${container.name}:\n${typeof log === 'string' ? log : JSON.stringify(log)}`)
      const admin = container.ports?.find((port) => port.name === 'admin')?.containerPort
      if (admin === undefined) continue
      const status = await ask(`${podPath}/${name}:${admin}/proxy/status`)
      lines.push(`/status of ${name}: ${JSON.stringify(status)}`)
    }
  }
  return lines.join('\n')
}

/** Prints after each test that failed what explains it: of the namespace of the test, and of the operator's. */
export function explainFailures(cluster: () => E2eCluster | undefined, namespace: () => string | undefined): void {
  afterEach(async ({ task }) => {
    const reached = cluster()
    if (task.result?.state !== 'fail' || reached === undefined) return
    for (const name of [namespace(), RELEASE.namespace]) {
      if (name === undefined) continue
      const told = await explainNamespace(reached, name).catch((error: unknown) => `nothing can be told: ${error}`)
      process.stdout.write(`${told}\n`)
    }
  })
}
