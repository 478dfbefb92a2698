import { join } from 'node:path'
import { expect } from 'vitest'
import type { SocketServerStatus } from '../../../crds/index.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import type { ApiAnswer, Identity } from '../control-plane/identity.ts'
import { eventually } from '../eventually.ts'
import { repository } from '../runtime.ts'

type Json = Readonly<Record<string, unknown>>

/** Any object of the API. */
export interface AnyObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly generation?: number
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: Json
  readonly status: Json
  readonly data?: Readonly<Record<string, string>>
}

/** Where each kind lives. */
const PATHS = {
  Secret: 'api/v1/namespaces/NS/secrets',
  ConfigMap: 'api/v1/namespaces/NS/configmaps',
  Service: 'api/v1/namespaces/NS/services',
  ServiceAccount: 'api/v1/namespaces/NS/serviceaccounts',
  Pod: 'api/v1/namespaces/NS/pods',
  ResourceQuota: 'api/v1/namespaces/NS/resourcequotas',
  Deployment: 'apis/apps/v1/namespaces/NS/deployments',
  PodDisruptionBudget: 'apis/policy/v1/namespaces/NS/poddisruptionbudgets',
  Event: 'apis/events.k8s.io/v1/namespaces/NS/events',
  Lease: 'apis/coordination.k8s.io/v1/namespaces/NS/leases',
  SocketServer: 'apis/icshosts.io/v1alpha1/namespaces/NS/socketservers',
} as const

/** A kind that tests use. */
export type Kind = keyof typeof PATHS

/** One namespace of a cluster, and what tests do in it. */
export interface Place {
  readonly namespace: string
  path(kind: Kind, name?: string): string
  /** @throws when it is not there. */
  get(kind: Kind, name: string): Promise<AnyObject>
  exists(kind: Kind, name: string): Promise<boolean>
  list(kind: Kind): Promise<readonly AnyObject[]>
  create(kind: Kind, name: string, content: Json, metadata?: Json): Promise<AnyObject>
  /** Applies a SocketServer as `kubectl apply` does. */
  apply(name: string, spec: Json, annotations?: Readonly<Record<string, string>>): Promise<AnyObject>
  patch(kind: Kind, name: string, patch: Json): Promise<ApiAnswer>
  remove(kind: Kind, name: string): Promise<void>
  secret(name: string, data: Readonly<Record<string, string>>): Promise<void>
  status(name: string): Promise<Partial<SocketServerStatus>>
  /** Waits for a condition of this generation. */
  condition(
    name: string,
    type: string,
    wanted: { status?: string; reason?: string },
    withinMs?: number,
  ): Promise<string>
}

const json = (body: unknown) => JSON.stringify(body).slice(0, 2_000)

/** Installs the contract, and waits until it is served. */
export async function installContract(plane: ControlPlane): Promise<void> {
  const applied = await plane.admin.kubectl(['apply', '-f', join(repository, 'crds')])
  expect(applied.code, applied.stderr).toBe(0)
  await eventually(
    async () => {
      const { status } = await plane.admin.request('/apis/icshosts.io/v1alpha1/socketservers')
      expect(status).toBe(200)
    },
    { withinMs: 20_000, everyMs: 100 },
  )
}

/** Makes a namespace. */
export async function createPlace(admin: Identity, namespace: string): Promise<Place> {
  const made = await admin.request('/api/v1/namespaces', {
    body: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
  })
  expect(made.status, json(made.body)).toBe(201)
  const path = (kind: Kind, name?: string) =>
    `/${PATHS[kind].replace('NS', namespace)}${name === undefined ? '' : `/${name}`}`
  const versionOf = (kind: Kind) => PATHS[kind].replace(/^apis?\//, '').replace(/\/namespaces.*/, '')
  const get = async (kind: Kind, name: string) => {
    const { status, body } = await admin.request(path(kind, name))
    if (status !== 200) throw new Error(`${kind} "${name}": ${status} ${json(body)}`)
    return body as AnyObject
  }
  const status = async (name: string) => ((await get('SocketServer', name)).status ?? {}) as Partial<SocketServerStatus>
  return {
    namespace,
    path,
    get,
    status,
    exists: async (kind, name) => (await admin.request(path(kind, name))).status === 200,
    async list(kind) {
      const { body } = await admin.request(path(kind))
      return (body as { items: AnyObject[] }).items
    },
    async create(kind, name, content, metadata = {}) {
      const answer = await admin.request(path(kind), {
        body: { apiVersion: versionOf(kind), kind, metadata: { name, ...metadata }, ...content },
      })
      expect(answer.status, json(answer.body)).toBe(201)
      return answer.body as AnyObject
    },
    async apply(name, spec, annotations) {
      const metadata = annotations === undefined ? { name } : { name, annotations }
      const answer = await admin.request(`${path('SocketServer', name)}?fieldManager=kubectl&force=true`, {
        method: 'PATCH',
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: 'icshosts.io/v1alpha1', kind: 'SocketServer', metadata, spec },
      })
      expect([200, 201], json(answer.body)).toContain(answer.status)
      return answer.body as AnyObject
    },
    patch: (kind, name, body) =>
      admin.request(path(kind, name), { method: 'PATCH', contentType: 'application/merge-patch+json', body }),
    async remove(kind, name) {
      const answer = await admin.request(path(kind, name), {
        method: 'DELETE',
        body: { propagationPolicy: 'Background' },
      })
      expect([200, 202], json(answer.body)).toContain(answer.status)
    },
    async secret(name, data) {
      const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
      const answer = await admin.request(`${path('Secret', name)}?fieldManager=kubectl&force=true`, {
        method: 'PATCH',
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: Object.fromEntries(encoded) },
      })
      expect([200, 201], json(answer.body)).toContain(answer.status)
    },
    condition: (name, type, wanted, withinMs = 30_000) =>
      eventually(
        async () => {
          const server = await get('SocketServer', name)
          const found = (server.status as Partial<SocketServerStatus> | undefined)?.conditions?.find(
            (one) => one.type === type,
          )
          expect({ ...found, generation: server.metadata.generation }, json(server.status)).toMatchObject({
            ...wanted,
            observedGeneration: server.metadata.generation,
          })
          return found?.message ?? ''
        },
        { withinMs, everyMs: 100 },
      ),
  }
}

/** A SocketServer's specification with one host that echoes behind TLS. */
export const echoSpec = (port: number, more: Json = {}): Json => ({
  replicas: 2,
  listeners: [{ name: 'https', port }],
  icsHosts: [
    {
      hostTag: 'shop',
      hostNames: ['shop.example.com'],
      certificate: { secretName: 'shop-tls' },
      handler: { type: 'Echo' },
    },
  ],
  timeouts: { drainSeconds: 1 },
  ...more,
})

/** Grants an identity what the operator says it needs. */
export async function grantOperatorRole(plane: ControlPlane, user: string, roles: string): Promise<void> {
  const applied = await plane.admin.kubectl(['apply', '-f', '-'], { input: roles })
  expect(applied.code, applied.stderr).toBe(0)
  const subject = `--user=${user}`
  for (const args of [
    ['create', 'clusterrolebinding', 'operator', '--clusterrole=socketserver-operator', subject],
    ['create', 'rolebinding', 'operator', '-n', 'default', '--role=socketserver-operator-lease', subject],
  ]) {
    const bound = await plane.admin.kubectl(args)
    expect(bound.code, bound.stderr).toBe(0)
  }
}
