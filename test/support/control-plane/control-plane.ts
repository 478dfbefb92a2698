import { readFile } from 'node:fs/promises'
import type { Agent } from 'node:https'
import { join } from 'node:path'
import { createAuthority } from '../certificates.ts'
import { eventually } from '../eventually.ts'
import { createApiServer } from './api-server.ts'
import { startController } from './controllers.ts'
import { createEtcd } from './etcd.ts'
import { findPrograms } from './find-programs.ts'
import { createIdentity, type Identity } from './identity.ts'
import { type ControlPlaneNetwork, LOOPBACK } from './network.ts'
import type { ProgramProcess } from './program-process.ts'
import { BASE_PROGRAMS, type Program } from './programs.ts'
import { createTemporaryDirectory } from './temporary-directory.ts'

/** What beside etcd and the API server is wanted of a control plane. */
export interface ControlPlaneOptions {
  /** Runs kube-controller-manager: service accounts, owner references, ReplicaSets, quotas, ... */
  readonly controllerManager?: boolean
  /** More arguments of kube-controller-manager. */
  readonly controllerManagerArgs?: readonly string[]
  /** Runs kube-scheduler. */
  readonly scheduler?: boolean
  /** An audit policy (`audit.k8s.io/v1`); what it lets through is in `auditEvents()`. */
  readonly auditPolicy?: object
  /** Where it runs; default: on the loopback interface. */
  readonly network?: ControlPlaneNetwork
  /** More arguments of kube-apiserver. */
  readonly apiServerArgs?: readonly string[]
}

/** What was stored at one moment. */
export interface Snapshot {
  readonly directory: string
}

/** One line of the audit log (`audit.k8s.io/v1`), as far as tests read it. */
export interface AuditEvent {
  readonly verb: string
  readonly stage: string
  readonly requestURI: string
  readonly user: { readonly username: string; readonly groups?: readonly string[] }
  readonly userAgent?: string
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly requestObject?: unknown
}

/** A real control plane. Disposing ends every process and removes its directory; so does the end of this process. */
export interface ControlPlane extends AsyncDisposable {
  /** Address of the API server; the same over restarts. */
  readonly url: string
  /** Certificate of the authority that signed the API server's, as PEM. */
  readonly ca: string
  /** For example `v1.37.2`. */
  readonly version: string
  /** Logs, certificates and kubeconfigs. */
  readonly directory: string
  /** May do everything (group system:masters). */
  readonly admin: Identity
  /** Somebody with a client certificate; may do what RBAC grants the user and its groups. */
  identity(user: string, groups?: readonly string[]): Promise<Identity>
  /** A service account with a token of its own, as a pod has it; made when it does not exist. */
  serviceAccount(namespace: string, name: string): Promise<Identity>
  /** What the audit log holds so far, oldest first; needs `auditPolicy`. */
  auditEvents(): Promise<readonly AuditEvent[]>
  /** Ends the API server (`kill`: as a crash would) and starts it again after `pauseMs` (0). */
  restartApiServer(how?: { readonly kill?: boolean; readonly pauseMs?: number }): Promise<void>
  /** Ends the API server and leaves it so. */
  stopApiServer(): Promise<void>
  /** Starts the API server after {@link stopApiServer}. */
  startApiServer(): Promise<void>
  /** Copies what is stored. The API server stays, and cannot write for a moment. */
  snapshot(): Promise<Snapshot>
  /** Restarts etcd and the API server on an older state: revisions run backwards, and what came later is gone. */
  restore(snapshot: Snapshot): Promise<void>
}

const answersOk = async (identity: Identity, path: string): Promise<unknown> => {
  const { status, body } = await identity.request(path)
  if (status !== 200) throw new Error(`${path} answers ${status}: ${String(body).slice(0, 500)}`)
  return body
}

/**
 * Starts etcd and kube-apiserver (and the controllers asked for) on free ports of the loopback interface (or in another
 * `network`), in a temporary directory, and resolves when they are ready: after some 2 s once the programs exist (see {@link findPrograms}).
 * Several may run at once. Use it as `await using plane = await startControlPlane()`, or dispose it by hand.
 *
 * @example
 * await plane.admin.kubectl(['apply', '-f', 'crds/'])
 * const { status, body } = await plane.admin.request('/api/v1/namespaces')
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const extra: Program[] = [
    ...(options.controllerManager ? (['kube-controller-manager'] as const) : []),
    ...(options.scheduler ? (['kube-scheduler'] as const) : []),
  ]
  const network = options.network ?? LOOPBACK
  const tell = (line: string) => process.stderr.write(`control plane: ${line}\n`)
  const programs = await findPrograms([...BASE_PROGRAMS, ...extra], tell)
  const programOf = (name: Program) => programs[name] ?? name
  const stack = new AsyncDisposableStack()
  try {
    const directory = stack.use(await createTemporaryDirectory('socketserver-control-plane-')).path
    const authority = createAuthority({ name: 'control plane of a test' })
    const etcd = await createEtcd(programOf('etcd'), directory, network)
    const apiServer = await createApiServer({
      ...{ program: programOf('kube-apiserver'), directory, authority, etcdUrl: etcd.url, network },
      serviceAccounts: options.controllerManager ?? false,
      auditPolicy: options.auditPolicy,
      args: options.apiServerArgs ?? [],
    })
    const agents = new Set<Agent>()
    stack.defer(() => agents.forEach((agent) => void agent.destroy()))
    const place = { directory, url: apiServer.url, ca: authority.cert, kubectl: programOf('kubectl') }
    const clientCertificate = (user: string, groups: readonly string[]) => {
      const { certPem, keyPem } = authority.issue({ commonName: user, organizations: groups, client: true })
      return { certificate: certPem, key: keyPem }
    }
    const identity = async (user: string, groups: readonly string[] = []) =>
      createIdentity(place, user, clientCertificate(user, groups), agents)
    const admin = await identity('admin', ['system:masters'])
    const ready = async () => {
      await answersOk(admin, '/readyz')
      await answersOk(admin, '/api/v1/namespaces/default')
    }

    stack.defer(() => etcd.kill())
    await etcd.start()
    stack.defer(() => apiServer.kill())
    await apiServer.start(ready)
    const controllers: Promise<ProgramProcess>[] = []
    const start = (name: 'kube-controller-manager' | 'kube-scheduler', args: readonly string[]) =>
      controllers.push(
        startController(programOf(name), name, { directory, kubeconfig: admin.kubeconfig, network, args }),
      )
    stack.defer(async () => {
      for (const result of await Promise.allSettled(controllers))
        if (result.status === 'fulfilled') await result.value.kill()
    })
    if (options.controllerManager)
      start('kube-controller-manager', [
        '--use-service-account-credentials',
        `--service-account-private-key-file=${apiServer.signingKey}`,
        `--root-ca-file=${join(directory, 'certificates', 'ca.crt')}`,
        ...(options.controllerManagerArgs ?? []),
      ])
    if (options.scheduler) start('kube-scheduler', [])
    await Promise.all(controllers)

    const { gitVersion } = (await answersOk(admin, '/version')) as { gitVersion: string }
    let snapshots = 0
    return {
      ...{ url: apiServer.url, ca: authority.cert, version: gitVersion, directory, admin, identity },
      async auditEvents() {
        const lines = (await readFile(apiServer.auditLog, 'utf8')).split('\n')
        return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent)
      },
      async serviceAccount(namespace, name) {
        const path = `/api/v1/namespaces/${namespace}/serviceaccounts`
        await admin.request(path, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } } })
        const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
        const { status, body } = await admin.request(`${path}/${name}/token`, { body: asked })
        if (status !== 201) throw new Error(`no token for ${namespace}/${name}: ${JSON.stringify(body)}`)
        const { token } = (body as { status: { token: string } }).status
        return createIdentity(place, `system:serviceaccount:${namespace}:${name}`, { token }, agents)
      },
      async restartApiServer({ kill = false, pauseMs = 0 } = {}) {
        await (kill ? apiServer.kill() : apiServer.stop())
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
        await apiServer.start(ready)
      },
      stopApiServer: () => apiServer.stop(),
      startApiServer: () => apiServer.start(ready),
      async snapshot() {
        snapshots += 1
        const copy = join(directory, `snapshot-${snapshots}`)
        await etcd.kill()
        await etcd.save(copy)
        await etcd.start()
        await eventually(ready, { withinMs: 30_000 })
        return { directory: copy }
      },
      async restore(snapshot) {
        await apiServer.kill()
        await etcd.kill()
        await etcd.load(snapshot.directory)
        await etcd.start()
        await apiServer.start(ready)
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
