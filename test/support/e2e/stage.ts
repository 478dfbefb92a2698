import { randomBytes } from 'node:crypto'
import { type Authority, createAuthority } from '../certificates.ts'
import { eventually } from '../eventually.ts'
import { createPlace, type Place } from '../operator/fixture.ts'
import { connectRaw } from '../raw-client.ts'
import { connectTls, type TlsClientOptions } from '../tls-client.ts'
import type { E2eCluster } from './cluster.ts'

type Json = Readonly<Record<string, unknown>>

/** A pod of the engine. */
export interface EnginePod {
  readonly name: string
  readonly uid: string
  readonly ip: string
  /** As the pod names it. */
  readonly image: string
  readonly restarts: number
  readonly isReady: boolean
  readonly isEnding: boolean
}

interface PodBody {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly spec: { readonly containers: readonly { readonly image: string }[] }
  readonly status: {
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly restartCount: number }[]
  }
}

/** How clients reach a Service. */
export const WAYS = ['ClusterIP', 'NodePort'] as const
type Way = (typeof WAYS)[number]

/** Why tests that reach what is inside the cluster are skipped on one of somebody else. */
export const OUTSIDE = 'addresses of pods and Services are reached on a node of the suite alone'

/** A namespace with a SocketServer `edge`, and whoever signs its certificates. */
export interface Stage extends AsyncDisposable {
  readonly place: Place
  readonly authority: Authority
  /** Applies the SocketServer, and waits until it is ready unless told otherwise. */
  apply(spec: Json): Promise<void>
  /** Writes the Secret with a fresh certificate for the names, and resolves with its SHA-256 as clients tell it. */
  renew(secret: string, names: readonly string[]): Promise<string>
  /** A client of the Service for a host name, once the Service leads to a pod: by its address, where that is reached. */
  client(servername: string, port: number, by?: Way): Promise<TlsClientOptions>
  /** A client of one pod, where pods are reached; else of the Service. */
  podClient(pod: EnginePod, servername: string, port: number): Promise<TlsClientOptions>
  /** The pods that there are, those that end included. */
  pods(): Promise<readonly EnginePod[]>
  /** Makes the pods look at their Secrets at once. */
  recheck(): Promise<void>
}

const podOf = ({ metadata, spec, status }: PodBody): EnginePod => ({
  name: metadata.name,
  uid: metadata.uid,
  ip: status.podIP ?? '',
  image: spec.containers[0]?.image ?? '',
  restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
  isReady: status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
  isEnding: metadata.deletionTimestamp !== undefined,
})

/** Pods on a machine with all cores busy take their time. */
const READY_MS = 180_000

/** Makes a namespace that enforces the Pod Security Standard `restricted`; disposing deletes it with all that is in it. */
export async function createStage(cluster: E2eCluster, name: string): Promise<Stage> {
  const { admin } = cluster
  const place = await createPlace(admin, `e2e-${name}-${randomBytes(3).toString('hex')}`)
  const authority = createAuthority()
  const client: Stage['client'] = (servername, port, by = cluster.ownNode === undefined ? 'NodePort' : 'ClusterIP') =>
    eventually(
      async () => {
        const { spec } = await place.get('Service', 'edge-ics')
        const { clusterIP, ports } = spec as {
          clusterIP: string
          ports: { port: number; nodePort: number }[]
        }
        const nodePort = ports.find((one) => one.port === port)?.nodePort
        if (nodePort === undefined) throw new Error(`the Service has no port ${port}`)
        const target = by === 'ClusterIP' ? { host: clusterIP, port } : { host: cluster.nodeAddress, port: nodePort }
        // Pods are ready a moment before kube-proxy leads anybody to them.
        await using _led = await connectRaw(target)
        return { ...target, servername, ca: authority.rootPem }
      },
      { withinMs: 120_000, everyMs: 100 },
    )
  let rechecks = 0
  return {
    place,
    authority,
    async apply(spec) {
      await place.apply('edge', { replicas: 2, service: { type: 'NodePort' }, ...spec })
      await place.condition('edge', 'Ready', { status: 'True' }, READY_MS)
    },
    async renew(secret, names) {
      const { certPem, keyPem, certificate } = authority.issue({ names })
      await place.secret(secret, { 'tls.crt': certPem, 'tls.key': keyPem })
      return certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    },
    client,
    podClient: async (pod, servername, port) =>
      cluster.ownNode === undefined
        ? client(servername, port)
        : { host: pod.ip, port, servername, ca: authority.rootPem },
    async pods() {
      const selector = encodeURIComponent('app.kubernetes.io/instance=edge')
      const { body } = await admin.request(`${place.path('Pod')}?labelSelector=${selector}`)
      return (body as { items: PodBody[] }).items.map(podOf)
    },
    async recheck() {
      rechecks += 1
      const annotations = { 'icshosts.io/recheck': `${Date.now()}-${rechecks}` }
      await place.patch('SocketServer', 'edge', { metadata: { annotations } })
    },
    async [Symbol.asyncDispose]() {
      await admin.request(`/api/v1/namespaces/${place.namespace}`, { method: 'DELETE' })
    },
  }
}

/** Asks the host of a client once; resolves with the SHA-256 of the certificate that it served. */
export async function askOnce(target: TlsClientOptions): Promise<string> {
  await using client = await connectTls(target)
  const text = 'is anybody there'
  const answer = await client.request(text)
  if (answer !== text) throw new Error(`asked "${text}", was answered "${answer}"`)
  return client.serverSha256
}
