/**
 * HOW A FIELD IS ADDED. In this order; after each step the named test says what is still missing.
 *
 * 1. Something honours it. No field is in the contract before that: write the code in `sidecar/` or `operator/` that reads the
 *    field, and its test on real sockets or a real API server.
 * 2. Its schema, in `crds/v1alpha1/`: a type that `shape.ts` can read, bounds for every text, list and number, a default or
 *    `optional()`, and a description that says what it does, its unit and range, and what an absent one means
 *    (`test/unit/crds/explain.test.ts`). `npm run generate` refuses what no structural schema can say, with the path.
 * 3. Its rules, if it depends on another field: `check` and `cel` side by side in `crds/v1alpha1/rules/`, with what is wrong, the
 *    cure and the place. A rule that the API server cannot afford says `cel: null` and why. A new pattern goes into `patterns.ts`.
 * 4. An example that uses it, in `crds/examples/valid/`, and for each rule and pattern one that is refused, in
 *    `crds/examples/invalid/<id>.yaml` (`test/unit/crds/examples.test.ts`, `test/unit/crds/fields.test.ts`). Refusals by type and
 *    bounds need no example: the cluster suite makes them of the schema, for each field, and both sides must refuse them.
 * 5. Its row in the table below: the version of its first release, and the file that honours it (`test/unit/crds/fields.test.ts`).
 * 6. Its place in `test/unit/crds/arbitrary.ts`, from which the property tests and the agreement with the API server are made
 *    (`test/unit/crds/fields.test.ts`).
 * 7. `npm run generate`, and the three printed files in the same commit (`npm run check`).
 */
interface FieldRecord {
  /** The version of this project that had it first. */
  readonly since: string
  /** The file whose code makes it true; undefined for what Kubernetes honours, and for what is reported and not asked for. */
  readonly honouredBy: string | undefined
}

const HANDLER = 'spec.{listeners,icsHosts}[].handler'
const BACKENDS = `${HANDLER}.{forward,passthrough}.backends[]`
const CERTIFICATE = 'spec.{listeners,icsHosts}[].certificate'
const ASKED = 'spec.icsHosts[].clientCertificate'
const SERVICE = 'operator/reconcile/objects/service.ts'
const POD = 'operator/reconcile/objects/pod.ts'
/** What is carried into the pod as it stands, for Kubernetes to honour. */
const CARRIED = 'crds/v1alpha1/scheduling.ts'
const AFFINITY = 'spec.template.affinity'
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'
const NODE_TERMS = `${AFFINITY}.nodeAffinity.${REQUIRED}.nodeSelectorTerms[]`
const NODE_PREFERENCES = `${AFFINITY}.nodeAffinity.${PREFERRED}[]`
const POD_TERMS = `${AFFINITY}.{podAffinity,podAntiAffinity}.${REQUIRED}[]`
const POD_PREFERENCES = `${AFFINITY}.{podAffinity,podAntiAffinity}.${PREFERRED}[]`
const KUBERNETES = undefined
const REPORTED = undefined

/** Since when, by what, and which: `{a,b}` stands for either. */
const TABLE: readonly (readonly [since: string, honouredBy: string | undefined, fields: string])[] = [
  ['0.1.0', KUBERNETES, 'apiVersion kind metadata metadata.{name,namespace,labels,annotations,generation}'],
  ['0.1.0', 'sidecar/compose.ts', 'spec spec.{bindPolicy,certExpireDays,recheckSeconds}'],
  ['0.1.0', 'sidecar/engine/stages/admission.ts', 'spec.{maxClients,maxClientsPerSource} spec.listeners[].maxClients'],
  ['0.1.0', 'sidecar/engine/gate.ts', 'spec.{banner,bannerTooBusy}'],
  ['0.1.0', 'sidecar/compose/limits.ts', 'spec.timeouts spec.timeouts.{handshake,idle,lifetime,drain}Seconds'],
  ['0.1.0', 'sidecar/compose/planned-hosts.ts', 'spec.timeouts.connectSeconds'],
  ['0.1.0', 'sidecar/compose/limits.ts', 'spec.access'],
  ['0.1.0', 'sidecar/engine/stages/admission.ts', 'spec.access.{allow,deny,acceptRatePerSource}'],
  ['0.1.0', 'sidecar/engine/stages/admission.ts', 'spec.access.acceptRatePerSource.{perSecond,burst}'],
  ['0.1.0', 'sidecar/engine/engine.ts', 'spec.listeners[] spec.listeners[].{name,tls}'],
  ['0.1.0', 'sidecar/engine/listening-socket.ts', 'spec.listeners[].{address,port,socketFamily,listenBacklog}'],
  ['0.1.0', 'sidecar/engine/stages/proxy-header.ts', 'spec.listeners[].proxyProtocol'],
  ['0.1.0', 'sidecar/engine/stages/proxy-header.ts', 'spec.listeners[].proxyProtocol.{mode,trustedSources}'],
  [
    '0.1.0',
    'sidecar/compose/planned-hosts.ts',
    `spec.icsHosts[] spec.icsHosts[].{enabled,hostNames,listeners,default}`,
  ],
  ['0.1.0', 'sidecar/compose/host-configurations.ts', 'spec.icsHosts[].{hostTag,tls}'],
  // A remark for people: that it can be read there is all it does.
  ['0.1.0', 'crds/v1alpha1/ics-host.ts', 'spec.icsHosts[].description'],
  ['0.1.0', 'sidecar/compose/planned-hosts.ts', 'spec.icsHosts[].securityLevel'],
  ['0.1.0', 'sidecar/engine/tls/policy.ts', 'spec.icsHosts[].tls.{minVersion,maxVersion,ciphers,groups}'],
  ['0.1.0', 'sidecar/engine/tls/host-server.ts', 'spec.icsHosts[].tls.alpn'],
  ['0.1.0', 'sidecar/compose/material.ts', `${CERTIFICATE} ${CERTIFICATE}.{secretName,additionalSecretNames}`],
  ['0.1.0', 'sidecar/compose/host-configurations.ts', `${ASKED} ${ASKED}.{method,caRefs[],allowedNames}`],
  ['0.1.0', 'sidecar/certificates/store.ts', `${ASKED}.caRefs[].{kind,name,key}`],
  [
    ...(['0.1.0', 'sidecar/engine/tls/client-certificate.ts'] as const),
    `${ASKED}.allowedNames.{commonNames,dnsNames,uris,spkiSha256}`,
  ],
  ['0.1.0', 'sidecar/handlers/create-handler.ts', `${HANDLER} ${HANDLER}.{type,forward,passthrough,redirect}`],
  ['0.1.0', 'sidecar/handlers/forward.ts', BACKENDS],
  ['0.1.0', 'sidecar/handlers/backends/backend.ts', `${BACKENDS}.{service,host,port,unixPath,weight}`],
  ['0.1.0', 'sidecar/handlers/backends/backend.ts', `${BACKENDS}.service.{name,port}`],
  ['0.1.0', 'sidecar/handlers/forward.ts', `${HANDLER}.{forward,passthrough}.{balance,proxyProtocol}`],
  ['0.1.0', 'sidecar/handlers/forward.ts', `${HANDLER}.forward.tls`],
  ['0.1.0', 'sidecar/handlers/backends/backend-tls.ts', `${HANDLER}.forward.tls.serverName`],
  ['0.1.0', 'sidecar/compose/backend-material.ts', `${HANDLER}.forward.tls.{caRef,clientSecretName}`],
  ['0.1.0', 'sidecar/certificates/store.ts', `${HANDLER}.forward.tls.caRef.{kind,name,key}`],
  ['0.1.0', 'sidecar/handlers/redirect/location.ts', `${HANDLER}.redirect.{scheme,hostname,port,path}`],
  ['0.1.0', 'sidecar/handlers/redirect/redirect.ts', `${HANDLER}.redirect.statusCode`],
  ['0.1.0', 'operator/reconcile/objects/deployment.ts', 'spec.replicas'],
  [
    '0.1.0',
    SERVICE,
    'spec.service spec.service.{type,annotations,loadBalancerClass,externalTrafficPolicy,ipFamilyPolicy,ports[]}',
  ],
  ['0.1.0', SERVICE, 'spec.service.ports[].{listener,port,nodePort}'],
  ['0.1.0', POD, 'spec.template spec.template.{labels,annotations,resources,nodeSelector,tolerations[],affinity}'],
  ['0.1.0', POD, 'spec.template.{topologySpreadConstraints[],priorityClassName,imagePullSecrets[]}'],
  ['0.1.0', POD, 'spec.template.{imagePullSecrets[].name,resources.requests,resources.limits}'],
  ['0.1.0', POD, 'spec.template.terminationGracePeriodSeconds'],
  ['0.1.0', CARRIED, 'spec.template.tolerations[].{key,operator,value,effect,tolerationSeconds}'],
  ['0.1.0', CARRIED, 'spec.template.topologySpreadConstraints[].{maxSkew,topologyKey,whenUnsatisfiable,minDomains}'],
  ['0.1.0', CARRIED, `${AFFINITY}.{nodeAffinity,podAffinity,podAntiAffinity}`],
  ['0.1.0', CARRIED, `${AFFINITY}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`],
  ['0.1.0', CARRIED, `${NODE_TERMS} ${NODE_TERMS}.{matchExpressions[],matchFields[]}`],
  ['0.1.0', CARRIED, `${NODE_TERMS}.{matchExpressions,matchFields}[].{key,operator,values}`],
  ['0.1.0', CARRIED, `${NODE_PREFERENCES} ${NODE_PREFERENCES}.{weight,preference}`],
  ['0.1.0', CARRIED, `${NODE_PREFERENCES}.preference.{matchExpressions[],matchFields[]}`],
  ['0.1.0', CARRIED, `${NODE_PREFERENCES}.preference.{matchExpressions,matchFields}[].{key,operator,values}`],
  ['0.1.0', CARRIED, `${POD_TERMS} ${POD_TERMS}.{topologyKey,labelSelector,namespaces,namespaceSelector}`],
  ['0.1.0', CARRIED, `${POD_TERMS}.{labelSelector,namespaceSelector}.{matchLabels,matchExpressions[]}`],
  ['0.1.0', CARRIED, `${POD_TERMS}.{labelSelector,namespaceSelector}.matchExpressions[].{key,operator,values}`],
  ['0.1.0', CARRIED, `${POD_PREFERENCES} ${POD_PREFERENCES}.{weight,podAffinityTerm}`],
  ['0.1.0', CARRIED, `${POD_PREFERENCES}.podAffinityTerm.{topologyKey,labelSelector,namespaces,namespaceSelector}`],
  [
    ...(['0.1.0', CARRIED] as const),
    `${POD_PREFERENCES}.podAffinityTerm.{labelSelector,namespaceSelector}.{matchLabels,matchExpressions[]}`,
  ],
  [
    ...(['0.1.0', CARRIED] as const),
    `${POD_PREFERENCES}.podAffinityTerm.{labelSelector,namespaceSelector}.matchExpressions[].{key,operator,values}`,
  ],
  [
    ...(['0.1.0', REPORTED] as const),
    'status.{observedGeneration,replicas,readyReplicas,selector,clients,hosts,readyListeners,address,nextCertificateExpiry}',
  ],
  ['0.1.0', REPORTED, 'status.conditions[]'],
  ['0.1.0', REPORTED, 'status.conditions[].{type,status,observedGeneration,lastTransitionTime,reason,message}'],
  ['0.1.0', REPORTED, 'status.listeners[] status.listeners[].{name,state,address,port,readyPods,clients,error}'],
  ['0.1.0', REPORTED, 'status.icsHosts[] status.icsHosts[].{hostTag,grade,messages,certificates[]}'],
  ['0.1.0', REPORTED, 'status.icsHosts[].certificates[].{secretName,subject,names,issuer,serialNumber,sha256,keyType}'],
  ['0.1.0', REPORTED, 'status.icsHosts[].certificates[].{notBefore,notAfter,grade,lastKnownGood}'],
]

function expanded(path: string): string[] {
  const [, before = '', choices, after = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path) ?? []
  return choices === undefined ? [path] : choices.split(',').flatMap((choice) => expanded(before + choice + after))
}

/** What is on record of each field, by its path in the form of `spec.listeners[].port`. */
export const FIELD_RECORDS: ReadonlyMap<string, FieldRecord> = new Map(
  TABLE.flatMap(([since, honouredBy, fields]) =>
    fields.split(' ').flatMap((field) => expanded(field).map((path) => [path, { since, honouredBy }] as const)),
  ),
)
