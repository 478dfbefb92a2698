import { mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../child.ts'
import type { Identity } from '../control-plane/identity.ts'
import { collectOutput, type EngineOutput } from '../engine-output.ts'
import { commandLine, repository } from '../runtime.ts'

type Json = Record<string, unknown>

interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string; readonly optional?: boolean }
  readonly secret?: { readonly secretName: string; readonly optional?: boolean }
  readonly emptyDir?: object
}

/** A pod of the API, as far as a kubelet looks at it. */
export interface PodObject {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly spec: {
    readonly nodeName?: string
    readonly volumes: readonly Volume[]
    readonly containers: readonly {
      readonly image: string
      readonly args: readonly string[]
      readonly ports: readonly { readonly name?: string; readonly containerPort: number }[]
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
    }[]
  }
}

/** A pod whose engine runs as a process of this machine. */
export interface RunningPod extends EngineOutput {
  readonly name: string
  readonly ip: string
  readonly adminPort: number
  readonly pid: number
  /** Brings the volumes to what the API server has. */
  refresh(): Promise<void>
}

/** What a kubelet is to do otherwise than run engines. */
export interface KubeletOptions {
  /** Milliseconds between two refreshes of the volumes of a pod whose annotations stay (60 s, as the real one). */
  readonly refreshMs?: number
}

/** Stands for the kubelet of a namespace. */
export interface Kubelet extends AsyncDisposable {
  readonly pods: ReadonlyMap<string, RunningPod>
  /** Pods that were started, ever. */
  readonly started: number
  /** Stops the refresh by annotations as well: volumes stay as they are. */
  freeze(isFrozen: boolean): void
  /** Pods to come wait for their image, which cannot be had for that reason; undefined: it can be had. */
  failImages(message: string | undefined): void
}

const NODE = 'test-node'

interface Running extends RunningPod {
  readonly child: Child
  readonly directory: string
  readonly image: string
  annotations: string
  refreshedAt: number
  isReady: boolean | undefined
  isEnding: boolean
}

let networks = 0

/**
 * Does for the pods of a namespace what a kubelet does: takes them, writes their ConfigMaps and Secrets into directories as
 * volumes, starts the real engine with the arguments of the container, reports readiness by its probe, refreshes volumes
 * when an annotation of the pod changes and about once a minute, and ends pods that are deleted by SIGTERM.
 */
export async function startKubelet(admin: Identity, namespace: string, options: KubeletOptions = {}): Promise<Kubelet> {
  const { refreshMs = 60_000 } = options
  const root = await mkdtemp(join(tmpdir(), 'socketserver-kubelet-'))
  const running = new Map<string, Running>()
  networks += 1
  const network = `127.${20 + (process.pid % 200)}.${networks % 250}`
  let started = 0
  let isStopped = false
  let isFrozen = false
  let imageFailure: string | undefined
  /** Pods that were told to wait for their image. */
  const imageless = new Set<string>()

  const get = async (path: string) => {
    const { status, body } = await admin.request(path)
    return status === 200 ? (body as Json) : undefined
  }
  const podPath = (name: string) => `/api/v1/namespaces/${namespace}/pods/${name}`
  const patchStatus = (name: string, status: Json) =>
    admin.request(`${podPath(name)}/status`, {
      method: 'PATCH',
      contentType: 'application/strategic-merge-patch+json',
      body: { status },
    })

  /** Contents of a volume by file name; undefined when the object is missing. */
  const contentOf = async (volume: Volume): Promise<Record<string, Buffer> | undefined> => {
    if (volume.configMap) {
      const object = await get(`/api/v1/namespaces/${namespace}/configmaps/${volume.configMap.name}`)
      const data = object?.['data'] as Record<string, string> | undefined
      return data && Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)]))
    }
    const object = await get(`/api/v1/namespaces/${namespace}/secrets/${volume.secret?.secretName}`)
    const data = object?.['data'] as Record<string, string> | undefined
    return data && Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]))
  }

  let versions = 0
  /** Writes a volume as the kubelet does: a directory for each version, and one swap of the link `..data`. */
  const writeVolume = async (directory: string, content: Record<string, Buffer>) => {
    await mkdir(directory, { recursive: true })
    versions += 1
    const version = `..version_${versions}`
    await mkdir(join(directory, version))
    for (const [name, bytes] of Object.entries(content)) await writeFile(join(directory, version, name), bytes)
    const before = await readlink(join(directory, '..data')).catch(() => undefined)
    await symlink(version, join(directory, '..data_tmp'))
    await rename(join(directory, '..data_tmp'), join(directory, '..data'))
    const names = new Set(await readdir(directory))
    for (const name of Object.keys(content))
      if (!names.has(name)) await symlink(join('..data', name), join(directory, name))
    for (const name of names)
      if (!name.startsWith('..') && !(name in content)) await rm(join(directory, name), { force: true })
    if (before !== undefined) await rm(join(directory, before), { recursive: true, force: true })
  }

  const mountPathOf = (pod: PodObject, volume: Volume) =>
    pod.spec.containers[0]?.volumeMounts.find(({ name }) => name === volume.name)?.mountPath ?? ''

  const writeVolumes = async (pod: PodObject, directory: string) => {
    for (const volume of pod.spec.volumes) {
      const path = join(directory, mountPathOf(pod, volume))
      if (volume.emptyDir !== undefined) await mkdir(path, { recursive: true })
      else await writeVolume(path, (await contentOf(volume)) ?? {})
    }
  }

  /** A pod keeps its address when its container is started again. */
  const ips = new Map<string, string>()

  const start = async (pod: PodObject) => {
    const { name, uid } = pod.metadata
    started += 1
    const ip = ips.get(uid) ?? `${network}.${1 + (started % 250)}`
    ips.set(uid, ip)
    // Short, for a path of a Unix socket has at most 107 bytes.
    const directory = join(root, String(started))
    await writeVolumes(pod, directory)
    const [container] = pod.spec.containers
    const args = (container?.args ?? []).map((arg) => (/^\/(etc|tmp)\//.test(arg) ? join(directory, arg) : arg))
    const [program, ...words] = commandLine('node')
    const network_ = join(import.meta.dirname, 'pod-network.ts')
    const child = await startChild([program, '--import', network_, ...words, ...args], {
      cwd: repository,
      env: { PATH: process.env['PATH'] ?? '', HOME: directory, TMPDIR: join(directory, 'tmp'), TEST_POD_IP: ip },
    })
    const { stdout, stderr } = child.process
    if (stdout === null || stderr === null) throw new Error('the pipes of the engine are missing')
    const item: Running = {
      ...collectOutput([stdout, stderr], child.exited),
      ...{ name, ip, child, directory, pid: child.pid },
      image: container?.image ?? '',
      adminPort: container?.ports.find((port) => port.name === 'admin')?.containerPort ?? 0,
      annotations: JSON.stringify(pod.metadata.annotations),
      refreshedAt: performance.now(),
      isReady: undefined,
      isEnding: false,
      refresh: () => writeVolumes(pod, directory),
    }
    running.set(name, item)
    void child.exited.then(async () => {
      if (item.isEnding || isStopped) return
      // A container that ended by itself is started again.
      running.delete(name)
      await patchStatus(name, { conditions: [{ type: 'Ready', status: 'False' }] }).catch(() => {})
    })
  }

  const waitForImage = async (pod: PodObject, failure: string) => {
    const { name } = pod.metadata
    const image = pod.spec.containers[0]?.image ?? ''
    const message = `Back-off pulling image "${image}": ErrImagePull: ${failure}`
    const waiting = { reason: 'ImagePullBackOff', message }
    const engine = { name: 'engine', image, imageID: '', ready: false, restartCount: 0, state: { waiting } }
    const { status } = await patchStatus(name, { phase: 'Pending', containerStatuses: [engine] })
    if (status === 200) imageless.add(name)
  }

  const end = async (item: Running) => {
    if (item.isEnding) return
    item.isEnding = true
    item.child.process.kill('SIGTERM')
    await item.child.exited
    running.delete(item.name)
    await admin.request(podPath(item.name), { method: 'DELETE', body: { gracePeriodSeconds: 0 } }).catch(() => {})
    // A refresh of its volumes may be under way, and write into what is being removed.
    await rm(item.directory, { recursive: true, force: true, maxRetries: 10 })
  }

  const probe = async (item: Running) => {
    const isReady = await fetch(`http://${item.ip}:${item.adminPort}/readyz`, {
      headers: { connection: 'close' },
    }).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (isReady === item.isReady || item.isEnding) return
    const now = new Date().toISOString()
    const { status } = await patchStatus(item.name, {
      phase: 'Running',
      podIP: item.ip,
      podIPs: [{ ip: item.ip }],
      containerStatuses: [
        {
          ...{ name: 'engine', image: item.image, imageID: item.image, restartCount: 0 },
          ...{ ready: isReady, started: true, state: { running: { startedAt: now } } },
        },
      ],
      conditions: ['Ready', 'ContainersReady', 'Initialized'].map((type) => ({
        type,
        status: type === 'Initialized' || isReady ? 'True' : 'False',
        lastTransitionTime: now,
      })),
    })
    if (status === 200) item.isReady = isReady
  }

  const sync = async (pod: PodObject) => {
    const { name } = pod.metadata
    const item = running.get(name)
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (item !== undefined) void end(item)
      else await admin.request(podPath(name), { method: 'DELETE', body: { gracePeriodSeconds: 0 } })
      return
    }
    if (pod.spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name: NODE }
      await admin.request(`${podPath(name)}/binding`, {
        body: { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target },
      })
      return
    }
    if (item === undefined && imageFailure !== undefined) {
      if (!imageless.has(name)) await waitForImage(pod, imageFailure)
      return
    }
    if (item === undefined) {
      imageless.delete(name)
      await start(pod)
      return
    }
    const annotations = JSON.stringify(pod.metadata.annotations)
    const isDue = performance.now() - item.refreshedAt > refreshMs
    if (!isFrozen && (annotations !== item.annotations || isDue)) {
      item.annotations = annotations
      item.refreshedAt = performance.now()
      await writeVolumes(pod, item.directory)
    }
    await probe(item)
  }

  const beat = async () => {
    const lease = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases`
    const now = new Date().toISOString().replace('Z', '000Z')
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NODE },
      spec: { holderIdentity: NODE, leaseDurationSeconds: 40, renewTime: now },
    }
    const { status } = await admin.request(lease, { body })
    if (status === 409)
      await admin.request(`${lease}/${NODE}`, {
        method: 'PATCH',
        contentType: 'application/merge-patch+json',
        body: { spec: { renewTime: now } },
      })
  }

  await admin.request('/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } } })
  await admin.request(`/api/v1/nodes/${NODE}/status`, {
    method: 'PATCH',
    contentType: 'application/strategic-merge-patch+json',
    body: {
      status: {
        allocatable: { cpu: '64', memory: '256Gi', pods: '1000' },
        capacity: { cpu: '64', memory: '256Gi', pods: '1000' },
        conditions: [{ type: 'Ready', status: 'True', reason: 'Test', lastHeartbeatTime: new Date().toISOString() }],
      },
    },
  })
  const loop = (async () => {
    let beatAt = 0
    while (!isStopped) {
      try {
        if (performance.now() - beatAt > 8_000) {
          beatAt = performance.now()
          await beat()
        }
        const list = await get(`/api/v1/namespaces/${namespace}/pods`)
        const items = (list?.['items'] ?? []) as PodObject[]
        await Promise.all(items.map(sync))
        // A pod that was removed from the API at once.
        if (list !== undefined)
          for (const item of running.values())
            if (!items.some(({ metadata }) => metadata.name === item.name)) void end(item)
      } catch {
        // The API server is away: the engines run on.
      }
      await sleep(100)
    }
  })()

  return {
    pods: running,
    get started() {
      return started
    },
    freeze(frozen) {
      isFrozen = frozen
    },
    failImages(message) {
      imageFailure = message
    },
    async [Symbol.asyncDispose]() {
      isStopped = true
      await loop
      for (const { child } of running.values()) child.process.kill('SIGKILL')
      await Promise.all([...running.values()].map(({ child }) => child.exited))
      await rm(root, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
