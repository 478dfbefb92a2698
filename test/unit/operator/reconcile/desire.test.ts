import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/kube/objects.ts'
import { accept } from '../../../../operator/reconcile/accept.ts'
import { desire } from '../../../../operator/reconcile/desire.ts'
import { childName, instanceOf, volumeName } from '../../../../operator/reconcile/names.ts'
import type { PodOptions } from '../../../../operator/reconcile/objects/child.ts'
import { ofGeneration } from '../../../../operator/reconcile/objects/config-map.ts'
import { parentOf } from './sample.ts'

type Pod = {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> }
  spec: Record<string, unknown> & {
    containers: [Record<string, unknown> & { args: string[]; volumeMounts: { mountPath: string }[] }]
    volumes: Record<string, unknown>[]
  }
}

const childrenOf = (spec: object = {}, metadata: object = {}, options: Partial<PodOptions> = {}) => {
  const raw = parentOf(spec, metadata)
  const acceptance = accept(raw)
  if (!acceptance.accepted) throw new Error(acceptance.message)
  return desire({ ...raw, spec: acceptance.server.spec }, acceptance.manifest, {
    image: 'engine:1',
    preStopSeconds: 5,
    ...options,
  })
}
const specOf = (object: KubeObject) => object['spec'] as Record<string, unknown>
const podOf = (spec: object = {}) => specOf(childrenOf(spec).Deployment)['template'] as Pod

describe('the children', () => {
  test('are owned, labelled and named after their SocketServer', () => {
    for (const [kind, object] of Object.entries(childrenOf())) {
      expect(object.kind).toBe(kind)
      expect(object.metadata).toMatchObject({
        name: 'edge-ics',
        namespace: 'shop',
        labels: { 'app.kubernetes.io/instance': 'edge', 'app.kubernetes.io/managed-by': 'socketserver-operator' },
        ownerReferences: [{ kind: 'SocketServer', name: 'edge', uid: 'uid-1', controller: true }],
      })
    }
  })

  test('the pods pass the restricted Pod Security Standard, and may do nothing in the API', () => {
    const { spec } = podOf()
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    })
    expect(childrenOf().ServiceAccount['automountServiceAccountToken']).toBe(false)
  })

  test('nodes pull the image when they are told to, and else as the cluster has it', () => {
    const containerOf = (options: Partial<PodOptions>) => {
      const template = specOf(childrenOf({}, {}, options).Deployment)['template'] as Pod
      return template.spec.containers[0]
    }
    expect(containerOf({ imagePullPolicy: 'Never' })).toMatchObject({ image: 'engine:1', imagePullPolicy: 'Never' })
    expect(containerOf({})).not.toHaveProperty('imagePullPolicy')
  })

  test('a change of what is served changes the ConfigMap alone; the pods stay', () => {
    const before = childrenOf()
    const after = childrenOf({ maxClients: 7, timeouts: { idleSeconds: 5 }, banner: 'hi' }, { generation: 4 })
    expect(after.ConfigMap).not.toEqual(before.ConfigMap)
    expect({ ...after, ConfigMap: 0 }).toEqual({ ...before, ConfigMap: 0 })
  })

  test('a change of pods alone leaves the ConfigMap but for the generation, which is told from the rest', () => {
    const before = childrenOf().ConfigMap
    const after = childrenOf({ template: { labels: { a: 'b' } }, replicas: 7 }, { generation: 4 }).ConfigMap
    expect(after).not.toEqual(before)
    expect(ofGeneration(after, '3')).toEqual(before)
    const other = childrenOf({ maxClients: 7 }, { generation: 4 }).ConfigMap
    expect(ofGeneration(other, '3')).not.toEqual(before)
  })

  test('each Secret and CA that is named is mounted once, optional, where the engine looks', () => {
    const ca = (kind: string, name: string) => ({ kind, name, key: 'ca.crt' })
    const host = (hostTag: string, more: object) => ({
      ...{ hostTag, hostNames: [`${hostTag}.example.com`], certificate: { secretName: 'shop-tls' } },
      ...{ handler: { type: 'Echo' }, ...more },
    })
    const { spec } = podOf({
      icsHosts: [
        host('a', { certificate: { secretName: 'shop-tls', additionalSecretNames: ['shop-rsa'] } }),
        host('b', {
          clientCertificate: { method: 'Require', caRefs: [ca('ConfigMap', 'clients'), ca('Secret', 'more')] },
        }),
        host('c', {
          enabled: false,
          handler: {
            type: 'Forward',
            forward: {
              backends: [{ host: 'x', port: 1 }],
              tls: { serverName: 'x', caRef: ca('ConfigMap', 'backend.ca'), clientSecretName: 'client' },
            },
          },
        }),
      ],
    })
    const mounts = spec.containers[0].volumeMounts.map(({ mountPath }) => mountPath)
    const secrets = ['client', 'more', 'shop-rsa', 'shop-tls'].map((name) => `/etc/socketserver/secrets/${name}`)
    const maps = ['backend.ca', 'clients'].map((name) => `/etc/socketserver/configmaps/${name}`)
    expect(mounts).toEqual(['/etc/socketserver/config', '/tmp', ...secrets, ...maps])
    const named = spec.volumes.filter((volume) => /^(secret|configmap)-/.test(String(volume['name'])))
    expect(named).toHaveLength(6)
    for (const { secret, configMap } of named as { secret?: object; configMap?: object }[])
      expect(secret ?? configMap).toMatchObject({ optional: true })
    expect(spec.containers[0].args.join(' ')).toMatch(
      /^serve -f \/etc\/socketserver\/config --secrets \/etc\/socketserver\/secrets --configmaps \/etc\/socketserver\/configmaps --admin \[::\]:8900/,
    )
  })

  test('without declared replicas their number is not declared either', () => {
    expect(specOf(childrenOf({ replicas: undefined }).Deployment)).not.toHaveProperty('replicas')
    expect(specOf(childrenOf({ replicas: 0 }).Deployment)['replicas']).toBe(0)
  })

  test('pods have time for what drainSeconds and the end of traffic need, unless told otherwise', () => {
    expect(podOf({ timeouts: { drainSeconds: 60 } }).spec['terminationGracePeriodSeconds']).toBe(75)
    expect(podOf({ template: { terminationGracePeriodSeconds: 9 } }).spec['terminationGracePeriodSeconds']).toBe(9)
  })

  test('the state is told on a port that no listener has', () => {
    const { spec } = podOf({
      listeners: [
        { name: 'https', port: 8900 },
        { name: 'more', port: 8901 },
      ],
    })
    expect(spec.containers[0]).toMatchObject({ ports: [{ name: 'admin', containerPort: 8902 }] })
  })

  test('everything of template arrives in the pods, and empty selectors stay', () => {
    const term = { topologyKey: 'zone', labelSelector: {}, namespaceSelector: {} }
    const pod = podOf({
      template: {
        labels: { team: 'a' },
        annotations: { note: 'b' },
        resources: { requests: { cpu: 2 }, limits: { memory: '1Gi' } },
        nodeSelector: { disk: 'fast' },
        tolerations: [{ key: 'edge', operator: 'Exists' }],
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
        topologySpreadConstraints: [{ topologyKey: 'zone' }],
        priorityClassName: 'high',
        imagePullSecrets: [{ name: 'registry' }],
      },
    })
    expect(pod.metadata).toMatchObject({ labels: { team: 'a' }, annotations: { note: 'b' } })
    expect(pod.spec).toMatchObject({
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'edge', operator: 'Exists' }],
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
      topologySpreadConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }],
      priorityClassName: 'high',
      imagePullSecrets: [{ name: 'registry' }],
      containers: [{ resources: { requests: { cpu: '2' }, limits: { memory: '1Gi' } } }],
    })
  })

  test('by default the pods are spread over nodes, and ask for what they need', () => {
    expect(podOf().spec).toMatchObject({
      topologySpreadConstraints: [{ topologyKey: 'kubernetes.io/hostname', maxSkew: 1 }],
      containers: [{ resources: { requests: { cpu: '100m', memory: '128Mi' } } }],
    })
    expect(specOf(childrenOf().PodDisruptionBudget)).toMatchObject({ maxUnavailable: 1 })
  })

  test('the Service has a port for each listener, as declared or its own', () => {
    const service = specOf(
      childrenOf({
        listeners: [
          { name: 'https', port: 8443 },
          { name: 'other', address: '192.0.2.1', port: 9443 },
          { name: 'same', address: '192.0.2.2', port: 9443 },
        ],
        service: {
          type: 'LoadBalancer',
          loadBalancerClass: 'x.io/y',
          externalTrafficPolicy: 'Local',
          ipFamilyPolicy: 'PreferDualStack',
          ports: [{ listener: 'https', port: 443, nodePort: 30443 }],
        },
      }).Service,
    )
    expect(service).toMatchObject({
      type: 'LoadBalancer',
      loadBalancerClass: 'x.io/y',
      externalTrafficPolicy: 'Local',
      ipFamilyPolicy: 'PreferDualStack',
    })
    expect(service['ports']).toEqual([
      { name: 'https', protocol: 'TCP', port: 443, targetPort: 8443, nodePort: 30443 },
      { name: 'other', protocol: 'TCP', port: 9443, targetPort: 9443 },
    ])
  })
})

describe('names', () => {
  const long = 'a'.repeat(253)
  const names = ['edge', 'a.b', 'a-b', '1a', 'n-1a', long, `${long.slice(1)}b`, 'x'.repeat(46), 'x'.repeat(47)]

  test.each(names)('of children of "%s" are DNS labels with room for the names of pods', (name) => {
    expect(childName(name)).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
    expect(childName(name).length).toBeLessThanOrEqual(50)
    expect(instanceOf(name)).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
    expect(instanceOf(name).length).toBeLessThanOrEqual(63)
    expect(volumeName('Secret', name).length).toBeLessThanOrEqual(63)
  })

  test('no two SocketServers share one, not even one that is named as another is hashed', () => {
    const hashed = names.map((name) => childName(name).replace(/-ics$/, ''))
    const all = [...names, ...hashed.filter((name) => !names.includes(name))]
    expect(new Set(all.map(childName)).size).toBe(all.length)
    expect(new Set(all.map(instanceOf)).size).toBe(all.length)
  })
})
