import type { PodTemplate, SocketServerSpec } from '../../../crds/index.ts'
import { ADMIN_PORT_NAME, CONFIG_VOLUME_NAME, childLabels, childName, selectorLabels, volumeName } from '../names.ts'
import { type References, referencesOf } from '../references.ts'
import type { Parent, PodOptions } from './child.ts'

/** Below it lie the configuration, the Secrets and the ConfigMaps of an engine. */
const ROOT = '/etc/socketserver'
/** Somebody who is nobody else, as in images without users. */
const USER = 65532
const FIRST_ADMIN_PORT = 8900
/** Seconds beyond the draining: for the end of the process, and for whoever counts them. */
const REST_SECONDS = 10

/** The port on which the engine tells its state: the first from 8900 on that no listener has. */
const adminPortOf = ({ listeners }: SocketServerSpec): number => {
  const taken = new Set(listeners.map(({ port }) => port))
  let port = FIRST_ADMIN_PORT
  while (taken.has(port)) port += 1
  return port
}

const graceSeconds = ({ timeouts, template }: SocketServerSpec, { preStopSeconds }: PodOptions): number =>
  template.terminationGracePeriodSeconds ?? preStopSeconds + timeouts.drainSeconds + REST_SECONDS

/** Leaves out what is empty: the API server keeps none of it, and would be asked for it again and again. */
const filled = <T extends object>(object: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(object).filter(([, value]) => {
      if (value === undefined) return false
      return typeof value !== 'object' || value === null || Object.keys(value).length > 0
    }),
  ) as Partial<T>

/** An empty selector selects everything, where an absent one selects nothing. */
const isSelector = (key: string) => key === 'labelSelector' || key === 'namespaceSelector'

const deeplyFilled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(deeplyFilled)
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.entries(value).map(([key, item]) => [key, deeplyFilled(item)] as const)
  const selectors = inner.filter(([key]) => isSelector(key))
  return { ...filled(Object.fromEntries(inner)), ...Object.fromEntries(selectors) }
}

/** Fields of a pod that say where it runs. */
const placement = (template: PodTemplate, name: string) => ({
  nodeSelector: template.nodeSelector,
  tolerations: template.tolerations.map((one) => ({ ...one })),
  affinity: deeplyFilled(template.affinity),
  topologySpreadConstraints: (
    template.topologySpreadConstraints ?? [
      { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' as const },
    ]
  ).map((one) => ({ ...one, labelSelector: { matchLabels: selectorLabels(name) } })),
  priorityClassName: template.priorityClassName,
  imagePullSecrets: template.imagePullSecrets.map(({ name: secret }) => ({ name: secret })),
})

/** Each Secret and ConfigMap is optional: a missing one costs the hosts that need it, and not the pod. */
const volumesOf = ({ secrets, configMaps }: References, configMap: string) => [
  { name: CONFIG_VOLUME_NAME, configMap: { name: configMap } },
  { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
  ...secrets.map((name) => ({
    name: volumeName('Secret', name),
    secret: { secretName: name, optional: true, defaultMode: 0o440 },
  })),
  ...configMaps.map((name) => ({ name: volumeName('ConfigMap', name), configMap: { name, optional: true } })),
]

const mountsOf = ({ secrets, configMaps }: References) => [
  { name: CONFIG_VOLUME_NAME, mountPath: `${ROOT}/config`, readOnly: true },
  { name: 'tmp', mountPath: '/tmp' },
  ...secrets.map((name) => ({
    name: volumeName('Secret', name),
    mountPath: `${ROOT}/secrets/${name}`,
    readOnly: true,
  })),
  ...configMaps.map((name) => ({
    name: volumeName('ConfigMap', name),
    mountPath: `${ROOT}/configmaps/${name}`,
    readOnly: true,
  })),
]

const probe = (path: string, extra: object) => ({
  httpGet: { path, port: ADMIN_PORT_NAME, scheme: 'HTTP' },
  timeoutSeconds: 2,
  ...extra,
})

/** The template of the pods. Nothing in it depends on the configuration but what cannot be changed in a running pod. */
export const podTemplateOf = ({ metadata, spec }: Parent, options: PodOptions) => {
  const { template } = spec
  const references = referencesOf(spec)
  const admin = adminPortOf(spec)
  const directories = [
    ...(references.secrets.length === 0 ? [] : ['--secrets', `${ROOT}/secrets`]),
    ...(references.configMaps.length === 0 ? [] : ['--configmaps', `${ROOT}/configmaps`]),
  ]
  return {
    metadata: filled({
      labels: { ...template.labels, ...childLabels(metadata.name) },
      annotations: { 'kubectl.kubernetes.io/default-container': 'engine', ...template.annotations },
    }),
    spec: filled({
      serviceAccountName: childName(metadata.name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds(spec, options),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        seccompProfile: { type: 'RuntimeDefault' },
        // So that a process without capabilities can listen on ports below 1024.
        sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
      },
      containers: [
        {
          name: 'engine',
          image: options.image,
          ...(options.imagePullPolicy === undefined ? {} : { imagePullPolicy: options.imagePullPolicy }),
          args: [
            ...['serve', '-f', `${ROOT}/config`, ...directories],
            ...['--admin', `[::]:${admin}`, '--control', '/tmp/socketserver.sock', '--log', 'json'],
            ...['--pre-stop', String(options.preStopSeconds)],
          ],
          ports: [{ name: ADMIN_PORT_NAME, containerPort: admin, protocol: 'TCP' }],
          resources: filled({ requests: template.resources.requests, limits: template.resources.limits }),
          startupProbe: probe('/livez', { periodSeconds: 1, failureThreshold: 60 }),
          livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 6 }),
          readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 2 }),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: mountsOf(references),
        },
      ],
      volumes: volumesOf(references, childName(metadata.name)),
      ...placement(template, metadata.name),
    }),
  }
}
