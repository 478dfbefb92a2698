import fc from 'fast-check'
import { CIPHERS, GROUPS, SECURITY_LEVELS, TLS13_CIPHERS } from '../../../crds/index.ts'

/** A manifest as a person or a program writes it: plain JSON, fields left out as they like. */
export type Manifest = Record<string, unknown>

const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789']
const label = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 12 })
const word = fc.tuple(fc.constantFrom(...letters.slice(0, 26)), label).map(([first, rest]) => first + rest)
const hostname = fc.tuple(word, word).map((parts) => `${parts.join('.')}.example`)
const port = fc.integer({ min: 1, max: 65535 })
const ipv4 = fc.ipV4()
// As in Kubernetes, an IPv4 address written as IPv6 is none, and neither is one with a zone.
const ipv6 = fc.tuple(fc.nat(0xffff), fc.nat(0xffff)).map(([a, b]) => `2001:db8::${a.toString(16)}:${b.toString(16)}`)

/** Leaves out some of the fields of an object. */
const some = <T extends object>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
  fc.record(fields, { requiredKeys: [] })

const backend = fc
  .tuple(
    fc.oneof(
      fc.record({ service: fc.record({ name: word, port }) }),
      fc.record({ host: fc.oneof(hostname, ipv4, ipv6), port }),
      fc.record({ unixPath: word.map((name) => `/run/${name}.sock`) }),
    ),
    some({ weight: fc.integer({ min: 1, max: 1000 }) }),
  )
  .map(([form, extra]): Manifest => ({ ...form, ...extra }))

const balance = fc.constantFrom('RoundRobin', 'LeastClients', 'Random')
const proxyVersion = fc.constantFrom('None', 'V1', 'V2')
const caRef = fc
  .tuple(
    fc.record({ kind: fc.constantFrom('ConfigMap', 'Secret'), name: word }),
    some({ key: fc.constantFrom('ca.crt', 'ca.pem') }),
  )
  .map(([ref, extra]): Manifest => ({ ...ref, ...extra }))
const backends = fc.array(backend, { minLength: 1, maxLength: 3 })

const forward = fc
  .tuple(
    fc.record({ backends }),
    some({ balance, proxyProtocol: proxyVersion, tls: some({ serverName: hostname, caRef, clientSecretName: word }) }),
  )
  .map(([needed, extra]): Manifest => ({ type: 'Forward', forward: { ...needed, ...extra } }))

const passthrough = fc
  .tuple(fc.record({ backends }), some({ balance, proxyProtocol: proxyVersion }))
  .map(([needed, extra]): Manifest => ({ type: 'Passthrough', passthrough: { ...needed, ...extra } }))

const redirect = some({
  redirect: some({
    scheme: fc.constantFrom('http', 'https'),
    hostname,
    port,
    path: word.map((name) => `/${name}?q=1`),
    statusCode: fc.constantFrom(301, 302, 303, 307, 308),
  }),
}).map((members): Manifest => ({ type: 'Redirect', ...members }))

const echo = fc.constant<Manifest>({ type: 'Echo' })

const certificate = fc.tuple(word, fc.uniqueArray(word, { maxLength: 3 })).map(
  ([secretName, others]): Manifest => ({
    secretName,
    additionalSecretNames: others.filter((name) => name !== secretName),
  }),
)

const alpn = fc.uniqueArray(fc.constantFrom('h2', 'http/1.1', 'mqtt', 'imap'), { maxLength: 3 })

const tlsPolicy = fc.oneof(
  some({ securityLevel: fc.constantFrom(...SECURITY_LEVELS), tls: some({ alpn }) }),
  fc.record({
    securityLevel: fc.constantFrom(
      'Backward',
      'Intermediate',
      'IntermediateForwardSecrecy',
      'High',
      'High128',
      'High192',
    ),
    tls: some({
      minVersion: fc.constant('TLSv1.2'),
      maxVersion: fc.constant('TLSv1.3'),
      ciphers: fc.uniqueArray(fc.constantFrom(...CIPHERS), { maxLength: 5 }),
      groups: fc.uniqueArray(fc.constantFrom(...GROUPS), { maxLength: 5 }),
      alpn,
    }),
  }),
  fc.record({
    securityLevel: fc.constantFrom('Tls13Only', 'PostQuantum'),
    tls: some({
      minVersion: fc.constant('TLSv1.3'),
      ciphers: fc.uniqueArray(fc.constantFrom(...TLS13_CIPHERS), { maxLength: 3 }),
      groups: fc.uniqueArray(fc.constantFrom('X25519MLKEM768', 'SecP384r1MLKEM1024'), { maxLength: 2 }),
    }),
  }),
)

const clientCertificate = fc.oneof(
  fc.constant<Manifest>({ method: 'None' }),
  fc.record({
    method: fc.constantFrom('Optional', 'Require'),
    caRefs: fc.array(caRef, { minLength: 1, maxLength: 3 }),
    allowedNames: some({
      commonNames: fc.uniqueArray(word, { maxLength: 3 }),
      dnsNames: fc.uniqueArray(hostname, { maxLength: 3 }),
      uris: fc.uniqueArray(
        word.map((name) => `spiffe://example/${name}`),
        { maxLength: 2 },
      ),
      spkiSha256: fc.uniqueArray(
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 }),
        { maxLength: 2 },
      ),
    }),
  }),
)

const proxyProtocol = fc.oneof(
  fc.constant<Manifest>({}),
  fc.record({
    mode: fc.constantFrom('Optional', 'Require'),
    trustedSources: fc.uniqueArray(
      fc.oneof(
        ipv4,
        ipv6,
        ipv4.map((address) => `${address}/24`),
        fc.constant('2001:db8::/32'),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  }),
)

const clients = fc.integer({ min: 0, max: 1_000_000 })
const seconds = fc.integer({ min: 0, max: 604_800 })
const someSeconds = fc.integer({ min: 1, max: 300 })
const network = fc.oneof(
  ipv4,
  ipv6,
  ipv4.map((address) => `${address}/16`),
)

/** Limits of the whole resource. */
const limits = some({
  maxClients: clients,
  maxClientsPerSource: clients,
  banner: fc.string({ maxLength: 80 }),
  bannerTooBusy: fc.string({ maxLength: 80 }),
  timeouts: some({
    handshakeSeconds: someSeconds,
    idleSeconds: seconds,
    connectSeconds: someSeconds,
    lifetimeSeconds: seconds,
    drainSeconds: fc.integer({ min: 0, max: 3600 }),
  }),
  access: some({
    allow: fc.uniqueArray(network, { maxLength: 3 }),
    deny: fc.uniqueArray(network, { maxLength: 3 }),
    acceptRatePerSource: some({ perSecond: fc.nat(100_000), burst: fc.nat(100_000) }),
  }),
})

/** Parts of a listener that are free of everything else; its name, port and kind come from its place. */
const listenerExtra = fc.record(
  { listenBacklog: fc.integer({ min: 1, max: 65535 }), maxClients: clients, proxyProtocol },
  { requiredKeys: [] },
)

/** Parts of a TLS host that are free of everything else; its tag, names and listeners come from its place. */
const tlsHost = fc
  .tuple(
    fc.oneof(
      fc.record({ handler: fc.oneof(forward, redirect, echo), certificate, clientCertificate }),
      fc.record({ handler: fc.oneof(forward, redirect, echo), certificate }),
      fc.record({ handler: passthrough }),
    ),
    tlsPolicy,
    some({ enabled: fc.boolean(), description: fc.string({ maxLength: 60 }) }),
    fc.uniqueArray(word, { minLength: 1, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([what, policy, extra, names, wildcard]) => ({
    fields: { ...what, ...policy, ...extra } as Manifest,
    names,
    wildcard,
  }))

const nodeTerm = {
  matchExpressions: [{ key: 'disk', operator: 'In', values: ['fast'] }],
  matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['node-1'] }],
}
const labelSelector = { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'b', operator: 'In', values: ['c'] }] }
const podTerm = { topologyKey: 'zone', labelSelector, namespaces: ['shop'], namespaceSelector: labelSelector }
const podAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [podTerm],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: podTerm }],
}

/**
 * Valid SocketServers: TLS listeners that share hosts, plain listeners with a default host or a handler of their own, every field of the
 * contract now and then. Use it to prove that every reader of the contract agrees.
 */
export const validSocketServer: fc.Arbitrary<Manifest> = fc
  .record({
    name: word,
    metadata: some({
      namespace: word,
      labels: fc.dictionary(word, word, { maxKeys: 2, noNullPrototype: true }),
      annotations: fc.constant({ note: 'free text, ü' }),
    }),
    settings: some({
      bindPolicy: fc.constantFrom('BestEffort', 'AllOrNothing'),
      certExpireDays: fc.integer({ min: 1, max: 3650 }),
      recheckSeconds: fc.integer({ min: 10, max: 86400 }),
      replicas: fc.integer({ min: 0, max: 1000 }),
      service: fc.oneof(
        some({ annotations: fc.constant({ note: 'free text, ü' }) }),
        fc.record({
          type: fc.constant('LoadBalancer'),
          loadBalancerClass: word,
          externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
          ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
          ports: fc.constantFrom([], [{ listener: 'tls-0', port: 443, nodePort: 30443 }]),
        }),
      ),
      template: some({
        labels: fc.dictionary(word, word, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
        annotations: fc.constant({ note: 'free text, ü' }),
        resources: some({
          requests: fc.constantFrom<Manifest>({}, { cpu: '250m', memory: '1Gi' }, { cpu: '2' }),
          limits: fc.constantFrom<Manifest>({ memory: '2Gi' }),
        }),
        nodeSelector: fc.constant({ disk: 'fast' }),
        tolerations: fc.array(
          some({
            key: word,
            operator: fc.constantFrom('Exists', 'Equal'),
            value: word,
            effect: fc.constantFrom('NoSchedule', 'NoExecute'),
            tolerationSeconds: fc.integer({ min: 0, max: 3600 }),
          }),
          { minLength: 1, maxLength: 2 },
        ),
        topologySpreadConstraints: fc.array(
          fc
            .tuple(
              fc.record({ topologyKey: word }),
              some({
                maxSkew: fc.integer({ min: 1, max: 5 }),
                whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
                minDomains: fc.integer({ min: 1, max: 5 }),
              }),
            )
            .map(([needed, extra]): Manifest => ({ ...needed, ...extra })),
          { minLength: 1, maxLength: 2 },
        ),
        affinity: some({
          nodeAffinity: fc.constant({
            requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: nodeTerm }],
          }),
          podAffinity: fc.constant(podAffinity),
          podAntiAffinity: fc.constant(podAffinity),
        }),
        priorityClassName: word,
        imagePullSecrets: fc.constant([{ name: 'registry' }]),
        terminationGracePeriodSeconds: fc.integer({ min: 1, max: 7200 }),
      }),
    }),
    limits,
    ports: fc.uniqueArray(port, { minLength: 5, maxLength: 8 }),
    own: fc.option(
      fc.oneof(fc.record({ handler: fc.oneof(forward, echo), certificate }), fc.record({ handler: passthrough })),
      {
        nil: undefined,
      },
    ),
    tlsListeners: fc.array(
      fc.tuple(
        listenerExtra,
        fc.constantFrom<Manifest>(
          {},
          { address: '0.0.0.0' },
          { address: '::1', socketFamily: 'IPv6' },
          { socketFamily: 'IPv4' },
        ),
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    tlsHosts: fc.array(tlsHost, { minLength: 1, maxLength: 5 }),
    plain: fc.option(fc.tuple(listenerExtra, fc.oneof(forward, redirect, echo), fc.boolean()), { nil: undefined }),
  })
  .map(({ name, metadata, settings, limits, ports, own, tlsListeners, tlsHosts, plain }) => {
    const listeners: Manifest[] = tlsListeners.map(([extra, where], index) => ({
      ...extra,
      ...where,
      name: `tls-${index}`,
      port: ports[index],
    }))
    const names = listeners.map((listener) => listener['name'])
    const icsHosts: Manifest[] = tlsHosts.map(({ fields, names: labels, wildcard }, index) => ({
      ...fields,
      hostTag: `host_${index}`,
      hostNames: labels.flatMap((text) => [
        `${text}.h${index}.example`,
        ...(wildcard ? [`*.${text}.h${index}.example`] : []),
      ]),
      listeners:
        plain === undefined && own === undefined && index % 2 === 0 ? [] : names.slice(0, 1 + (index % names.length)),
      ...(index === 0 && wildcard ? { default: true } : {}),
    }))
    if (own !== undefined) listeners.push({ ...own, name: 'own', port: ports[3] })
    if (plain !== undefined) {
      const [extra, handler, ofItself] = plain
      listeners.push({ ...extra, name: 'plain', port: ports.at(-1), tls: false, ...(ofItself ? { handler } : {}) })
      if (!ofItself) icsHosts.push({ hostTag: 'plain-host', default: true, listeners: ['plain'], handler })
    }
    return {
      apiVersion: 'icshosts.io/v1alpha1',
      kind: 'SocketServer',
      metadata: { name, ...metadata },
      spec: { ...settings, ...limits, listeners, icsHosts },
    }
  })
