import { PODS } from '../../../operator/cluster-view.ts'
import type { KubeObject } from '../../../operator/kube/objects.ts'
import { ADMIN_PORT_NAME, NUDGE_ANNOTATION, shortHash } from '../../../operator/reconcile/names.ts'
import { CHILD_RESOURCES } from '../../../operator/reconcile/objects/child.ts'
import type { Api } from './api.ts'
import { addressOf, type Engines } from './engines.ts'
import { Lanes } from './lanes.ts'

/** Rollouts at a time; and pods at a time to which kubelets bring their configuration: none of them waits for a rollout. */
const PARALLEL = { rollouts: 32, kubelets: 32 } as const
const MANIFEST_KEY = 'socketserver.json'

type Json = Readonly<Record<string, unknown>>
interface Template {
  readonly metadata: { readonly labels: Json; readonly annotations?: Json }
  readonly spec: { readonly containers: readonly { readonly ports: readonly { readonly name?: string }[] }[] }
}

/**
 * Stands for the Deployment controller, the scheduler and the kubelets: gives each Deployment its pods, ready at once, reports
 * them in its status, and brings the configuration to a pod when its annotation changes. What it cannot do is told to `failed`.
 */
export async function startPodMaker(api: Api, engines: Engines, failed: (error: unknown) => void): Promise<void> {
  const rollouts = new Lanes(PARALLEL.rollouts)
  const kubelets = new Lanes(PARALLEL.kubelets)
  const addresses = new Map<string, string>()
  const work = (lanes: Lanes, job: () => Promise<void>) => void lanes.run(job).catch(failed)

  const manifestOf = async (namespace: string, name: string): Promise<unknown> => {
    const { data } = (await api.get(CHILD_RESOURCES.ConfigMap, namespace, name)) as { data?: Record<string, string> }
    return JSON.parse(data?.[MANIFEST_KEY] ?? 'null')
  }

  const startPod = async (deployment: KubeObject, template: Template, hash: string, manifest: unknown) => {
    const { name, namespace = '' } = deployment.metadata
    const ip = addressOf(addresses.size)
    const podName = `${name}-${hash}-${addresses.size.toString(36).padStart(5, '0')}`
    addresses.set(`${namespace}/${podName}`, ip)
    engines.serve(ip, manifest)
    await api.create(PODS, namespace, {
      metadata: {
        name: podName,
        labels: { ...template.metadata.labels, 'pod-template-hash': hash },
        ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
        ownerReferences: [
          {
            ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-${hash}`, uid: deployment.metadata.uid },
            ...{ controller: true, blockOwnerDeletion: true },
          },
        ],
      },
      spec: { ...withAdminPort(template.spec, engines.port), nodeName: 'bench-node' },
    })
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      ...{ type, status: 'True', lastTransitionTime: now },
    }))
    const status = { phase: 'Running', startTime: now, podIP: ip, podIPs: [{ ip }], conditions }
    await api.merge(PODS, namespace, podName, { status }, 'status')
  }

  const report = async ({ metadata }: KubeObject, replicas: number, readyReplicas: number) => {
    const counts = { replicas, updatedReplicas: replicas, readyReplicas, availableReplicas: readyReplicas }
    const status = { observedGeneration: metadata.generation, ...counts }
    await api.merge(CHILD_RESOURCES.Deployment, metadata.namespace ?? '', metadata.name, { status }, 'status')
  }

  const made = new Set<string>()
  await api.watch(
    CHILD_RESOURCES.Deployment,
    (object) => object,
    (deployment) => {
      const { name, namespace = '', generation = 0, uid = '' } = deployment.metadata
      if (Number((deployment['status'] as Json)['observedGeneration'] ?? 0) >= generation) return
      const { replicas, template } = deployment['spec'] as { readonly replicas: number; readonly template: Template }
      const isNew = !made.has(uid)
      made.add(uid)
      work(rollouts, async () => {
        if (isNew) {
          const manifest = await manifestOf(namespace, name)
          const hash = shortHash(JSON.stringify(template))
          const pods = Array.from({ length: replicas }, () => startPod(deployment, template, hash, manifest))
          await Promise.all([report(deployment, replicas, 0), ...pods])
        }
        await report(deployment, replicas, replicas)
      })
    },
  )
  await api.watch(
    PODS,
    ({ metadata }) => ({ metadata }),
    ({ metadata: { name, namespace = '', annotations } }, before) => {
      const nudge = annotations?.[NUDGE_ANNOTATION]
      if (nudge === undefined || nudge === before?.metadata.annotations?.[NUDGE_ANNOTATION]) return
      work(kubelets, async () => {
        const manifest = await manifestOf(namespace, name.split('-').slice(0, -2).join('-'))
        engines.serve(addresses.get(`${namespace}/${name}`) ?? '', manifest)
      })
    },
  )
}

/** The pods of the bench share one process, and so one port. */
const withAdminPort = (spec: Template['spec'], port: number) => ({
  ...spec,
  containers: spec.containers.map((container) => ({
    ...container,
    ports: container.ports.map((one) => (one.name === ADMIN_PORT_NAME ? { ...one, containerPort: port } : one)),
  })),
})
