import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { expect, test } from 'vitest'
import { selectorLabels } from '../../operator/reconcile/names.ts'
import { rolesOf } from '../../operator/role.ts'
import { describeChart } from '../support/chart-tools/describe-chart.ts'
import { CHART, only, type RenderedObject, render } from '../support/chart-tools/helm.ts'

const podOf = (objects: readonly RenderedObject[]) => only(objects, 'Deployment').spec.template
const argsOf = (objects: readonly RenderedObject[]): string[] => podOf(objects).spec.containers[0].args
const rulesOf = (watchNamespaces: readonly string[], watchSecrets = false) =>
  (rolesOf(watchNamespaces, 'operators', watchSecrets) as { rules: object[] }[]).map(({ rules }) => rules)
const kindsAndNamespaces = (objects: readonly RenderedObject[], kinds: RegExp) =>
  objects
    .filter(({ kind }) => kinds.test(kind))
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)

describeChart('the chart, as it is', () => {
  test('runs two pods, spread, with a budget, probes and nothing that restricted forbids', async () => {
    const objects = await render()
    expect(only(objects, 'Deployment').spec.replicas).toBe(2)
    const { spec } = podOf(objects)
    expect(spec).toMatchObject({
      automountServiceAccountToken: true,
      topologySpreadConstraints: [{ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }],
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          startupProbe: { httpGet: { path: '/healthz' } },
          livenessProbe: { httpGet: { path: '/healthz' } },
          readinessProbe: { httpGet: { path: '/readyz' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    })
    const labels = podOf(objects).metadata.labels
    expect(labels).toMatchObject(spec.topologySpreadConstraints[0].labelSelector.matchLabels)
    expect(labels).toMatchObject(only(objects, 'Deployment').spec.selector.matchLabels)
    expect(labels).toMatchObject(only(objects, 'PodDisruptionBudget').spec.selector.matchLabels)
    expect(labels).toMatchObject(only(objects, 'Service').spec.selector)
    expect(only(objects, 'PodDisruptionBudget').spec.maxUnavailable).toBe(1)
  })

  test('its selectors never meet the pods of an engine, however release and SocketServer are called', async () => {
    const objects = await render()
    const engine = selectorLabels('edge')
    expect(engine['app.kubernetes.io/instance']).toBe('edge')
    const selector = only(objects, 'Service').spec.selector
    expect(engine['app.kubernetes.io/name']).not.toBe(selector['app.kubernetes.io/name'])
  })

  test('grants what the operator says it needs: in the cluster, and for its lease', async () => {
    const objects = await render()
    const [work, lease] = rulesOf([])
    expect(only(objects, 'ClusterRole', 'edge-socketserver').rules).toEqual(work)
    expect(only(objects, 'Role').rules).toEqual(lease)
    expect(only(objects, 'Role').metadata.namespace).toBe('operators')
    for (const kind of ['ClusterRoleBinding', 'RoleBinding'])
      expect(only(objects, kind).subjects).toEqual([
        { kind: 'ServiceAccount', name: 'edge-socketserver', namespace: 'operators' },
      ])
    expect(JSON.stringify(objects.filter(({ kind }) => /Role$/.test(kind)))).not.toContain('secrets')
  })

  test('lets view, edit and admin of a namespace do with SocketServers what they do with all', async () => {
    const objects = await render()
    const verbs = (role: string) =>
      new Set(
        objects
          .filter(({ metadata }) => metadata.labels?.[`rbac.authorization.k8s.io/aggregate-to-${role}`] === 'true')
          .flatMap(({ rules }) => rules as { resources: string[]; verbs: string[] }[])
          .flatMap((rule) => rule.resources.flatMap((resource) => rule.verbs.map((verb) => `${verb} ${resource}`))),
      )
    expect([...verbs('view')].every((one) => /^(get|list|watch) /.test(one))).toBe(true)
    expect(verbs('view')).toContain('get socketservers/status')
    expect(verbs('edit')).toContain('delete socketservers')
    expect(verbs('admin')).toContain('deletecollection socketservers')
    expect(verbs('admin').isSupersetOf(verbs('edit')) && verbs('edit').isSupersetOf(verbs('view'))).toBe(true)
    expect([...verbs('admin')].filter((one) => /status$/.test(one))).toEqual(['get socketservers/status'])
  })

  test('holds the definition of the contract, which stays', async () => {
    const definition = only(await render(), 'CustomResourceDefinition')
    const contract = load(readFileSync(join(CHART, '../../crds/socketservers.yaml'), 'utf8')) as RenderedObject
    expect(definition.spec).toEqual(contract.spec)
    expect(definition.metadata.name).toBe(contract.metadata.name)
    expect(definition.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' })
  })

  test('gives one image to operator and engines', async () => {
    const objects = await render({ image: { repository: 'r.example.com/s', tag: '9', pullPolicy: 'Always' } })
    expect(podOf(objects).spec.containers[0]).toMatchObject({ image: 'r.example.com/s:9', imagePullPolicy: 'Always' })
    expect(argsOf(objects)).toContain('--image=r.example.com/s:9')
    expect(argsOf(objects)).toContain('--image-pull-policy=Always')
    const other = await render({ engine: { image: { tag: '8', pullPolicy: 'Never' } } })
    expect(argsOf(other)).toContain('--image=socketserver:8')
    expect(argsOf(other)).toContain('--image-pull-policy=Never')
  })
})

describeChart('the chart, as values say', () => {
  test('watchNamespaces: a role and a binding in each, none of the cluster', async () => {
    const objects = await render({ watchNamespaces: ['shop', 'mail'], rbac: { aggregate: false } })
    expect(kindsAndNamespaces(objects, /Role/).sort()).toEqual(
      [
        ...['mail', 'shop'].flatMap((name) => [
          `Role ${name}/edge-socketserver`,
          `RoleBinding ${name}/edge-socketserver`,
        ]),
        ...['Role operators/edge-socketserver-lease', 'RoleBinding operators/edge-socketserver-lease'],
      ].sort(),
    )
    expect(
      only(
        objects.filter(({ metadata }) => metadata.namespace === 'mail'),
        'Role',
      ).rules,
    ).toEqual(rulesOf(['mail'])[0])
    expect(argsOf(objects)).toEqual(expect.arrayContaining(['--namespace=shop', '--namespace=mail']))
  })

  test('watchSecrets: the rights that the operator says it needs for that', async () => {
    const objects = await render({ watchSecrets: true })
    expect(only(objects, 'ClusterRole', 'edge-socketserver').rules).toEqual(rulesOf([], true)[0])
    expect(argsOf(objects)).toContain('--watch-secrets')
    expect(argsOf(await render())).not.toContain('--watch-secrets')
  })

  test('crds: not there, or not kept', async () => {
    const without = await render({ crds: { enabled: false } })
    expect(without.filter(({ kind }) => kind === 'CustomResourceDefinition')).toEqual([])
    const gone = await render({ crds: { keep: false } })
    expect(only(gone, 'CustomResourceDefinition').metadata.annotations).toBeUndefined()
  })

  test('rbac.create and serviceAccount.create: nothing of either', async () => {
    const objects = await render({
      rbac: { create: false, aggregate: false },
      serviceAccount: { create: false, name: 'theirs' },
    })
    expect(kindsAndNamespaces(objects, /Role|ServiceAccount/)).toEqual([])
    expect(podOf(objects).spec.serviceAccountName).toBe('theirs')
  })

  test('metrics: monitors select the pods of the operator and of every engine', async () => {
    const enabled = { enabled: true }
    const objects = await render({ metrics: { serviceMonitor: enabled, podMonitor: enabled } })
    expect(only(objects, 'Service').metadata.labels).toMatchObject(
      only(objects, 'ServiceMonitor').spec.selector.matchLabels,
    )
    expect(only(objects, 'PodMonitor').spec.selector.matchLabels).toEqual({
      'app.kubernetes.io/name': 'socketserver',
      'app.kubernetes.io/managed-by': 'socketserver-operator',
    })
    expect(only(objects, 'PodMonitor').spec.namespaceSelector).toEqual({ any: true })
    const narrow = await render({ watchNamespaces: ['shop'], metrics: { podMonitor: enabled } })
    expect(only(narrow, 'PodMonitor').spec.namespaceSelector).toEqual({ matchNames: ['shop'] })
  })

  test('rules and dashboard are the files of the chart', async () => {
    const objects = await render({ metrics: { prometheusRule: { enabled: true }, dashboard: { enabled: true } } })
    const rules = load(readFileSync(join(CHART, 'files/rules.yaml'), 'utf8'))
    expect(only(objects, 'PrometheusRule').spec).toEqual(rules)
    const dashboard = JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8'))
    const { data, metadata } = only(objects, 'ConfigMap', 'dashboard')
    expect(JSON.parse(data['socketserver.json'])).toEqual(dashboard)
    expect(metadata.labels).toMatchObject({ grafana_dashboard: '1' })
  })

  test('networkPolicy: the state of an engine is for the operator and for Prometheus', async () => {
    const from = [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }]
    const objects = await render({
      watchNamespaces: ['shop'],
      networkPolicy: { enabled: true, engines: true, metricsFrom: from },
    })
    const engines = only(objects, 'NetworkPolicy', 'engines')
    expect(engines.metadata.namespace).toBe('shop')
    expect(engines.spec.ingress).toMatchObject([
      {
        ports: [
          { port: 1, endPort: 8899 },
          { port: 8901, endPort: 65535 },
        ],
      },
      { ports: [{ port: 'admin' }], from: [{ podSelector: {} }, ...from] },
    ])
    const operator = only(objects, 'NetworkPolicy', 'edge-socketserver')
    expect(podOf(objects).metadata.labels).toMatchObject(operator.spec.podSelector.matchLabels)
    const test = only(objects, 'Pod').metadata.labels
    expect(test).toMatchObject(operator.spec.ingress[0].from[0].podSelector.matchLabels)
    expect(operator.spec.egress[0].ports.map(({ port }: { port: number }) => port)).toEqual([443, 6443])
  })
})
