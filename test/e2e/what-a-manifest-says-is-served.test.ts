import { isIPv6 } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { askOnce, OUTSIDE, WAYS } from '../support/e2e/stage.ts'
import { withStage } from '../support/e2e/with-stage.ts'
import { eventually } from '../support/eventually.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls, refusalOf } from '../support/tls-client.ts'

const TLS = 8443
const PLAIN = 8080
/** Where only who speaks the PROXY protocol is served. */
const INNER = 7000
/** Names of hosts that share one certificate. */
const MANY = Array.from({ length: 60 }, (_, index) => `h${index}.many.example.com`)
const ANSWER_MS = 60_000

const at = withStage('manifest')
const echo = { type: 'Echo' }

const SPEC = {
  // Of both families where the cluster has both.
  service: { type: 'NodePort', ipFamilyPolicy: 'PreferDualStack' },
  listeners: [
    { name: 'tls', port: TLS },
    { name: 'plain', port: PLAIN, tls: false },
    {
      name: 'inner',
      port: INNER,
      tls: false,
      proxyProtocol: { mode: 'Require', trustedSources: ['0.0.0.0/0', '::/0'] },
    },
  ],
  icsHosts: [
    ...MANY.map((name, index) => ({
      hostTag: `many-${index}`,
      hostNames: [name],
      listeners: ['tls'],
      certificate: { secretName: 'many-tls' },
      // So that clients can tell which host they were given to.
      tls: { alpn: [`h${index}`] },
      handler: echo,
    })),
    {
      hostTag: 'vault',
      hostNames: ['vault.example.com'],
      listeners: ['tls'],
      certificate: { secretName: 'vault-tls' },
      clientCertificate: { method: 'Require', caRefs: [{ kind: 'ConfigMap', name: 'clients-ca' }] },
      handler: echo,
    },
    {
      hostTag: 'forward',
      hostNames: ['forward.example.com'],
      listeners: ['tls'],
      certificate: { secretName: 'forward-tls' },
      handler: {
        type: 'Forward',
        forward: { backends: [{ service: { name: 'edge-ics', port: INNER } }], proxyProtocol: 'V2' },
      },
    },
    { hostTag: 'plain', listeners: ['plain', 'inner'], default: true, handler: echo },
  ],
}

beforeAll(async () => {
  const { stage } = at
  await stage.renew('many-tls', ['*.many.example.com'])
  for (const name of ['vault', 'forward']) await stage.renew(`${name}-tls`, [`${name}.example.com`])
  await stage.place.create('ConfigMap', 'clients-ca', { data: { 'ca.crt': stage.authority.rootPem } })
  await stage.apply(SPEC)
})

test.for(WAYS)(
  `each of ${MANY.length} names is given to its own host, by the %s of the Service`,
  async (by, { skip }) => {
    if (by === 'ClusterIP' && at.cluster.ownNode === undefined) return skip(OUTSIDE)
    for (const [index, name] of MANY.entries()) {
      const target = await at.stage.client(name, TLS, by)
      const ALPNProtocols = MANY.map((_, other) => `h${other}`)
      await using client = await eventually(() => connectTls({ ...target, ALPNProtocols }), { withinMs: ANSWER_MS })
      expect(client.alpn).toBe(`h${index}`)
      expect(client.serverNames).toEqual(['*.many.example.com'])
      expect(await client.request(name)).toBe(name)
    }
  },
)

test('a host that requires a client certificate serves who has one, and nobody else', async () => {
  const target = await at.stage.client('vault.example.com', TLS)
  const { certPem, keyPem } = at.stage.authority.issue({ commonName: 'alice', client: true })
  expect(await askOnce({ ...target, cert: certPem, key: keyPem })).toMatch(/^[0-9a-f]{64}$/)
  expect(await refusalOf(target)).not.toBe('')
})

test('a plain listener serves beside the TLS one', async () => {
  const { servername: _name, ca: _ca, ...target } = await at.stage.client('', PLAIN)
  await using client = await connectRaw(target as { host: string; port: number })
  await client.send('plain words')
  expect((await client.bytes(11, ANSWER_MS)).toString()).toBe('plain words')
})

test('a backend is found by the name of its Service, and hears of the client by the PROXY protocol', async () => {
  const { servername: _name, ca: _ca, ...inner } = await at.stage.client('', INNER)
  await using stranger = await connectRaw(inner as { host: string; port: number })
  await stranger.send('no header, and long enough for one')
  await stranger.closed(ANSWER_MS)
  await askOnce(await at.stage.client('forward.example.com', TLS))
})

test('clients of IPv6 are served by the address that the Service has for them', async ({ skip }) => {
  const { stage, cluster } = at
  if (cluster.ownNode === undefined) return skip(OUTSIDE)
  if (!cluster.ownNode.hasIpv6) return skip('this machine has no IPv6')
  const { clusterIPs } = (await stage.place.get('Service', 'edge-ics')).spec as { clusterIPs: string[] }
  const host = clusterIPs.find(isIPv6)
  if (host === undefined) throw new Error(`the Service has no address of IPv6: ${clusterIPs}`)
  const { certPem: cert, keyPem: key } = stage.authority.issue({ commonName: 'alice', client: true })
  const target = { host, port: TLS, servername: 'vault.example.com', ca: stage.authority.rootPem, cert, key }
  await eventually(() => askOnce(target), { withinMs: ANSWER_MS })
})
