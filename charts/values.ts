import { z } from 'zod'

const text = z.string()
const flag = z.boolean()
const texts = z.record(z.string(), z.string())
/** Whole objects of Kubernetes: the API server judges what is in them. */
const anything = z.record(z.string(), z.unknown())
const quantity = z.union([z.string(), z.number()])
const quantities = z.record(z.string(), quantity)

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
/** A registry and a path, without tag or digest. */
const REPOSITORY = /^[a-z0-9]+([._:/-]+[a-z0-9]+)*$/
const TAG = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}(@sha256:[0-9a-f]{64})?)?$/
const DURATION = /^([0-9]+(ms|[smhdwy]))*$/

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const
const port = z.int().min(1).max(65535)

const monitor = z.strictObject({ enabled: flag, interval: text.regex(DURATION), labels: texts })

/** The values of the chart. What is not here is refused by helm; what they are is said in values.yaml. */
export const valuesSchema = z.strictObject({
  fullnameOverride: text.max(50).regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/),
  image: z.strictObject({
    repository: text.regex(REPOSITORY),
    tag: text.regex(TAG),
    pullPolicy: z.enum(PULL_POLICIES),
  }),
  engine: z.strictObject({
    image: z.strictObject({
      repository: z.union([z.literal(''), text.regex(REPOSITORY)]),
      tag: text.regex(TAG),
      pullPolicy: z.enum(['', ...PULL_POLICIES]),
    }),
    preStopSeconds: z.int().min(0).max(300),
  }),
  imagePullSecrets: z.array(z.strictObject({ name: text.min(1) })),
  replicas: z.int().min(0).max(16),
  watchNamespaces: z.array(text.max(63).regex(NAME)).meta({ uniqueItems: true }),
  watchSecrets: flag,
  crds: z.strictObject({ enabled: flag, keep: flag }),
  workers: z.int().min(1).max(256),
  logFormat: z.enum(['json', 'pretty']),
  serviceAccount: z.strictObject({ create: flag, name: text.max(253), annotations: texts }),
  rbac: z.strictObject({ create: flag, aggregate: flag }),
  resources: z.strictObject({
    requests: quantities.optional(),
    limits: quantities.optional(),
    claims: z.array(z.strictObject({ name: text, request: text.optional() })).optional(),
  }),
  podDisruptionBudget: z.strictObject({
    enabled: flag,
    maxUnavailable: z.union([z.int().min(0), text.regex(/^[0-9]+%$/)]),
  }),
  podLabels: texts,
  podAnnotations: texts,
  nodeSelector: texts,
  tolerations: z.array(
    z.strictObject({
      key: text.optional(),
      operator: text.optional(),
      value: text.optional(),
      effect: text.optional(),
      tolerationSeconds: z.int().optional(),
    }),
  ),
  affinity: z.strictObject({
    nodeAffinity: anything.optional(),
    podAffinity: anything.optional(),
    podAntiAffinity: anything.optional(),
  }),
  topologySpreadConstraints: z.array(
    z.strictObject({
      maxSkew: z.int().min(1),
      topologyKey: text.min(1),
      whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
      minDomains: z.int().min(1).optional(),
      nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).optional(),
      nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional(),
      matchLabelKeys: z.array(text).optional(),
    }),
  ),
  priorityClassName: text.max(253),
  metrics: z.strictObject({
    port,
    service: z.strictObject({ annotations: texts }),
    serviceMonitor: monitor,
    podMonitor: monitor,
    prometheusRule: z.strictObject({ enabled: flag, labels: texts }),
    dashboard: z.strictObject({ enabled: flag, labels: texts, annotations: texts }),
  }),
  networkPolicy: z.strictObject({
    enabled: flag,
    engines: flag,
    apiServerPorts: z.array(port).min(1),
    metricsFrom: z.array(
      z.strictObject({
        namespaceSelector: anything.optional(),
        podSelector: anything.optional(),
        ipBlock: z.strictObject({ cidr: text, except: z.array(text).optional() }).optional(),
      }),
    ),
  }),
})
