import { PODS, SOCKET_SERVERS } from './cluster-view.ts'
import { EVENTS } from './kube/events.ts'
import { LEASES } from './kube/leader.ts'
import { groupOf, type Resource } from './kube/objects.ts'
import { MANAGED_BY } from './reconcile/names.ts'
import { CHILD_RESOURCES } from './reconcile/objects/child.ts'
import { SECRETS } from './watch-references.ts'

type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch'

const READ: readonly Verb[] = ['get', 'list', 'watch']

type Row = readonly [resource: Resource, subresource: string, verbs: readonly Verb[]]

/** Everything the operator asks of the API, and nothing else. There is no row for Secrets. */
const TABLE: readonly Row[] = [
  [SOCKET_SERVERS, '', READ],
  [SOCKET_SERVERS, 'status', ['patch']],
  // To name a SocketServer as owner that waits for its children, where that is checked.
  [SOCKET_SERVERS, 'finalizers', ['update']],
  ...Object.values(CHILD_RESOURCES).map((resource) => [resource, '', [...READ, 'create', 'patch']] as const),
  [PODS, '', [...READ, 'patch']],
  [EVENTS, '', ['create', 'patch']],
]

/** What it asks for besides with `--watch-secrets`. */
const WATCH_SECRETS_TABLE: readonly Row[] = [[SECRETS, '', ['list', 'watch']]]

const LEASE_VERBS: readonly Verb[] = ['get', 'create', 'update']

const ruleOf = ([resource, subresource, verbs]: Row) => ({
  apiGroups: [groupOf(resource)],
  resources: [subresource === '' ? resource.plural : `${resource.plural}/${subresource}`],
  verbs,
})

const object = (
  kind: 'ClusterRole' | 'Role',
  name: string,
  namespace: string | undefined,
  rules: readonly object[],
) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { 'app.kubernetes.io/name': MANAGED_BY },
  },
  rules,
})

/**
 * The roles the operator needs: one for its work, in the given namespaces or in all, and one for its lease. With
 * `watchSecrets` it may list and watch Secrets, and else nothing of them.
 */
export const rolesOf = (namespaces: readonly string[], leaseNamespace: string, watchSecrets = false): object[] => {
  const rules = [...TABLE, ...(watchSecrets ? WATCH_SECRETS_TABLE : [])].map(ruleOf)
  const work =
    namespaces.length === 0
      ? [object('ClusterRole', MANAGED_BY, undefined, rules)]
      : namespaces.map((namespace) => object('Role', MANAGED_BY, namespace, rules))
  return [...work, object('Role', `${MANAGED_BY}-lease`, leaseNamespace, [ruleOf([LEASES, '', LEASE_VERBS])])]
}
