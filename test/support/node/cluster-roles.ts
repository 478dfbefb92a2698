const rbac = 'rbac.authorization.k8s.io'

/** Who the node's own programs are to the API server. */
export const USERS = {
  dns: 'system:coredns',
  proxy: 'system:kube-proxy',
  node: (name: string) => `system:node:${name}`,
}

/** What the API server does not grant by itself: CoreDNS reads what has a name. */
export const CLUSTER_ROLES = [
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:coredns' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ apiGroup: rbac, kind: 'User', name: USERS.dns }],
  },
] as const
