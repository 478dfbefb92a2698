import { join } from 'node:path'
import { SOCKET_SERVERS } from '../../../operator/cluster-view.ts'
import { rolesOf } from '../../../operator/role.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane/control-plane.ts'
import { eventually } from '../../support/eventually.ts'
import type { OperatorProcess } from '../../support/operator/operator-process.ts'
import { repository } from '../../support/runtime.ts'
import { type Api, openApi } from './api.ts'
import { AuditTail } from './audit-tail.ts'
import { type Engines, openEngines } from './engines.ts'
import { Fleet } from './fleet.ts'
import { OPERATOR_USER, startOperatorInPod } from './operator-in-pod.ts'
import { startPodMaker } from './pod-maker.ts'

const NAMESPACE = 'bench'

/** Everything one run needs: a control plane, the operator, and who plays pods. */
export interface BenchStage extends AsyncDisposable {
  readonly plane: ControlPlane
  readonly operator: OperatorProcess
  readonly engines: Engines
  readonly fleet: Fleet
  readonly audit: AuditTail
}

/** What the audit log holds: each call of the operator, once it is answered. */
const AUDIT = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata', omitManagedFields: true, users: [OPERATOR_USER] }],
}

async function installContract(plane: ControlPlane): Promise<void> {
  const { code, stderr } = await plane.admin.kubectl(['apply', '-f', join(repository, 'crds')])
  if (code !== 0) throw new Error(`the contract cannot be installed: ${stderr}`)
  await eventually(
    async () => {
      const { status } = await plane.admin.request(`/apis/${SOCKET_SERVERS.apiVersion}/${SOCKET_SERVERS.plural}`)
      if (status !== 200) throw new Error(`the contract is not served: ${status}`)
    },
    { withinMs: 60_000, everyMs: 100 },
  )
}

async function grantRoles(plane: ControlPlane): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io'
  const roles = rolesOf([], 'default') as { kind: string; metadata: { name: string; namespace?: string } }[]
  const items = roles.flatMap((role) => [
    role,
    {
      apiVersion: `${apiGroup}/v1`,
      kind: `${role.kind}Binding`,
      metadata: role.metadata,
      roleRef: { apiGroup, kind: role.kind, name: role.metadata.name },
      subjects: [{ apiGroup, kind: 'User', name: OPERATOR_USER }],
    },
  ])
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  const { code, stderr } = await plane.admin.kubectl(['apply', '-f', '-'], { input })
  if (code !== 0) throw new Error(`the operator's roles cannot be granted: ${stderr}`)
}

/** Sets the stage; the operator leads when it resolves. `failed` is told what goes wrong later. */
export async function setStage(profiles: string | undefined, failed: (error: unknown) => void): Promise<BenchStage> {
  const stack = new AsyncDisposableStack()
  try {
    // One file, however long: what was read of it must not be moved away.
    const apiServerArgs = ['--audit-log-maxsize=100000']
    const plane = stack.use(await startControlPlane({ auditPolicy: AUDIT, apiServerArgs }))
    await installContract(plane)
    await grantRoles(plane)
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }
    await plane.admin.request('/api/v1/namespaces', { body: namespace })
    const api: Api = stack.use(await openApi(plane.admin.kubeconfig))
    const engines = stack.use(await openEngines())
    await startPodMaker(api, engines, failed)
    const fleet = await Fleet.open(api, NAMESPACE)
    const nodeArgs = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
    const operator = await startOperatorInPod(plane, stack, nodeArgs)
    await eventually(
      async () => {
        if ((await operator.metrics()).sum('leader_election_master_status') !== 1) throw new Error('nobody leads')
      },
      { withinMs: 60_000, everyMs: 100 },
    )
    const audit = new AuditTail(join(plane.directory, 'audit.log'))
    return { plane, operator, engines, fleet, audit, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}
