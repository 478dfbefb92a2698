import type { Values } from './helm.ts'

const MONITORING = {
  serviceMonitor: { enabled: true, interval: '30s', labels: { release: 'prometheus' } },
  podMonitor: { enabled: true, interval: '15s', labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  dashboard: { enabled: true, annotations: { folder: 'Network' } },
}
const PROMETHEUS = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }]
const PLACEMENT = {
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } } },
      ],
    },
  },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
    { maxSkew: 2, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
  ],
  priorityClassName: 'system-cluster-critical',
}

/** The ways to install the chart that tests go. */
export const VALUE_SETS: Readonly<Record<string, Values>> = {
  'as it is': {},
  'two namespaces': { watchNamespaces: ['shop', 'mail'] },
  'metadata of Secrets': { watchSecrets: true, watchNamespaces: ['shop'] },
  'metadata of all Secrets': { watchSecrets: true },
  'without the definition': { crds: { enabled: false } },
  'the definition goes with the release': { crds: { keep: false } },
  'rights and account of somebody else': {
    rbac: { create: false, aggregate: false },
    serviceAccount: { create: false, name: 'operator' },
  },
  'everything that is measured': { metrics: MONITORING },
  'policies for the network': {
    watchNamespaces: ['shop'],
    networkPolicy: { enabled: true, engines: true, metricsFrom: PROMETHEUS, apiServerPorts: [8443] },
  },
  'a registry, a digest, another image for engines': {
    image: {
      repository: 'registry.example.com:5000/edge/socketserver',
      tag: `0.1.0@sha256:${'0a'.repeat(32)}`,
      pullPolicy: 'Always',
    },
    engine: {
      image: { repository: 'registry.example.com/engine', tag: '0.1.1', pullPolicy: 'Never' },
      preStopSeconds: 0,
    },
    imagePullSecrets: [{ name: 'registry' }],
  },
  'one pod, without budget, requests and spread': {
    ...{ replicas: 1, podDisruptionBudget: { enabled: false }, resources: null, topologySpreadConstraints: [] },
    ...{ logFormat: 'pretty', workers: 1 },
  },
  'all at once': {
    ...PLACEMENT,
    ...{ fullnameOverride: 'listeners', replicas: 3, watchNamespaces: ['shop'], watchSecrets: true },
    podDisruptionBudget: { maxUnavailable: '50%' },
    serviceAccount: { name: 'listeners-operator', annotations: { note: 'a: b' } },
    podLabels: { team: 'edge' },
    podAnnotations: { note: '"quoted"' },
    metrics: { ...MONITORING, port: 9000, service: { annotations: { 'prometheus.io/scrape': 'true' } } },
    networkPolicy: { enabled: true, engines: true, metricsFrom: PROMETHEUS },
  },
}
