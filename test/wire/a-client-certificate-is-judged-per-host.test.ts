import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, createSelfSigned, type Issued, type IssueOptions } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { host, type Part } from '../support/manifest.ts'
import { opensslClient, opensslMissing } from '../support/openssl-client.ts'
import { connectTls, type TlsClientOptions } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'
import { createWorkspace } from '../support/workspace.ts'

const DAY = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * DAY)

const root = createAuthority({ name: 'Clients Root' })
const between = root.intermediate({ name: 'Clients Intermediate' })
const oldRoot = createAuthority({ name: 'Old Clients Root' })
const otherRoot = createAuthority({ name: 'Other Root' })
const endedRoot = createAuthority({ name: 'Ended Root', notBefore: inDays(-20), notAfter: inDays(-1) })
/** A CA of the same name with a key of its own. */
const falseRoot = createAuthority({ name: 'Clients Root' })

const client = (options: IssueOptions = {}) => root.issue({ commonName: 'alice', client: true, ...options })
const uri = (text: string) => ({ rawNames: [{ tag: 6, content: Buffer.from(text) }] })
const spki = ({ certificate }: Issued) =>
  createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
const pinned = client({ commonName: 'pinned' })

const caRefs = [{ kind: 'ConfigMap', name: 'clients', key: 'ca.crt' }]
const asks = (method: string, more: Part = {}): Part => ({ clientCertificate: { method, caRefs, ...more } })
const names = (allowedNames: Part) => asks('Require', { allowedNames })

const HOSTS: Readonly<Record<string, Part>> = {
  none: {},
  optional: asks('Optional'),
  require: asks('Require'),
  require12: { ...asks('Require'), tls: { maxVersion: 'TLSv1.2' } },
  optional12: { ...asks('Optional'), tls: { maxVersion: 'TLSv1.2' } },
  'either-ca': asks('Require', { caRefs: [...caRefs, { kind: 'ConfigMap', name: 'clients', key: 'old.crt' }] }),
  'one-bundle': asks('Require', { caRefs: [{ kind: 'ConfigMap', name: 'clients', key: 'both.crt' }] }),
  'from-secret': asks('Require', { caRefs: [{ kind: 'Secret', name: 'none' }] }),
  'ended-ca': asks('Require', { caRefs: [{ kind: 'ConfigMap', name: 'clients', key: 'ended.crt' }] }),
  'intermediate-ca': asks('Require', { caRefs: [{ kind: 'ConfigMap', name: 'clients', key: 'between.crt' }] }),
  'intermediate-and-root': asks('Require', {
    caRefs: [...caRefs, { kind: 'ConfigMap', name: 'clients', key: 'between.crt' }],
  }),
  'no-ca': asks('Require', { caRefs: [{ kind: 'ConfigMap', name: 'absent', key: 'ca.crt' }] }),
  'by-cn': names({ commonNames: ['alice', 'carol'] }),
  'by-dns': names({ dnsNames: ['Client.Example.Test'] }),
  'by-uri': names({ uris: ['spiffe://example.test/ns/shop/sa/cart'] }),
  'by-spki': names({ spkiSha256: [spki(pinned)] }),
  'by-any': names({ commonNames: ['nobody'], uris: ['spiffe://example.test/any'], spkiSha256: ['0'.repeat(64)] }),
  'optional-by-cn': asks('Optional', { allowedNames: { commonNames: ['alice'] } }),
}

let engine: TlsEngine
beforeAll(async () => {
  engine = await startTlsEngine(
    Object.entries(HOSTS).map(([hostTag, part]) => host({ hostTag, ...part })),
    {
      configMaps: {
        clients: {
          'ca.crt': root.cert,
          'old.crt': oldRoot.cert,
          'both.crt': `# the old one goes in March\n${oldRoot.cert}\n${root.cert}`,
          'ended.crt': endedRoot.cert,
          'between.crt': between.cert,
        },
      },
      secretFiles: { none: { 'ca.crt': root.cert } },
    },
  )
})
afterAll(() => engine[Symbol.asyncDispose]())

/** What the client presents, in the options of `node:tls`. */
const presents = (issued: Issued, chain = '') => ({ cert: issued.certPem + chain, key: issued.keyPem })
const at = (tag: string) => ({ port: engine.port, servername: `${tag}.test` })

async function isServed(tag: string, options: Partial<TlsClientOptions>, subject: string | undefined): Promise<void> {
  await using served = await connectTls({ ...at(tag), ...options } as TlsClientOptions)
  expect(await served.request('hello')).toBe('hello')
  served.socket.end()
  const line = await engine.closeLine(served.origin)
  expect(line).toMatchObject({ host: tag, reason: 'Completed' })
  expect(line['clientSubject']).toBe(subject)
}

async function isRefused(tag: string, options: Partial<TlsClientOptions>, reason: string): Promise<void> {
  const before = await engine.closed(reason, tag)
  const { line } = await engine.refusal({ servername: `${tag}.test`, ...options })
  expect(line).toMatchObject({ level: 'info', host: tag, reason, detail: expect.any(String), receivedBytes: 0 })
  // A certificate that was refused names nobody.
  expect(line['clientSubject']).toBeUndefined()
  expect(line['backend']).toBeUndefined()
  expect(await engine.closed(reason, tag)).toBe(before + 1)
}

type Presented = readonly [options: Partial<TlsClientOptions>, reason: string]
const REFUSED: Readonly<Record<string, () => Presented>> = {
  'a certificate of another CA': () => [
    presents(otherRoot.issue({ commonName: 'alice', client: true })),
    'ClientCertificateUntrusted',
  ],
  'a certificate of another CA with that CA behind it': () => [
    presents(otherRoot.issue({ commonName: 'alice', client: true }), otherRoot.cert),
    'ClientCertificateUntrusted',
  ],
  'a certificate of a CA that only has the same name': () => [
    presents(falseRoot.issue({ commonName: 'alice', client: true })),
    'ClientCertificateUntrusted',
  ],
  'a self-signed certificate': () => [
    presents(createSelfSigned({ commonName: 'alice', client: true, isCa: false })),
    'ClientCertificateUntrusted',
  ],
  'a CA certificate, whose key may sign nothing but certificates': () => [
    presents(root.issue({ commonName: 'alice', isCa: true })),
    'ClientCertificateInvalid',
  ],
  'a certificate of an intermediate that is missing': () => [
    presents(between.issue({ commonName: 'alice', client: true })),
    'ClientCertificateUntrusted',
  ],
  'an expired certificate': () => [
    presents(client({ notBefore: inDays(-10), notAfter: inDays(-1) })),
    'ClientCertificateExpired',
  ],
  'a certificate that is not valid yet': () => [
    presents(client({ notBefore: inDays(1), notAfter: inDays(10) })),
    'ClientCertificateNotYetValid',
  ],
  'a certificate of a server': () => [
    presents(root.issue({ commonName: 'alice', names: ['a.test'] })),
    'ClientCertificateInvalid',
  ],
}

describe.each(['require', 'optional', 'require12', 'optional12'])('the host %s', (tag) => {
  test('serves a client of its CA, and names it', () => isServed(tag, presents(client()), 'CN=alice'))

  test('serves a client of an intermediate that it sends along', () =>
    isServed(tag, presents(between.issue({ commonName: 'bob', client: true }), between.cert), 'CN=bob'))

  test.each(['RSA-2048', 'EC P-384', 'Ed25519'] as const)('serves a client with a key of type %s', (keyType) =>
    isServed(tag, presents(client({ keyType })), 'CN=alice'),
  )

  for (const [what, make] of Object.entries(REFUSED))
    test(`refuses ${what}`, async () => {
      const [options, reason] = make()
      await isRefused(tag, options, reason)
    })

  test('serves others after that', () => isServed(tag, presents(client()), 'CN=alice'))
})

test.each(['require', 'require12'])('Require (%s) refuses a client without a certificate', (tag) =>
  isRefused(tag, {}, 'ClientCertificateMissing'),
)
test.each(['optional', 'optional12', 'optional-by-cn'])('Optional (%s) serves a client without a certificate', (tag) =>
  isServed(tag, {}, undefined),
)

test('a host that asks for nothing serves whatever is presented, and names nobody', async () => {
  await isServed('none', {}, undefined)
  await isServed('none', presents(otherRoot.issue({ commonName: 'mallory', client: true })), undefined)
})

describe('the CAs', () => {
  const ofOld = () => presents(oldRoot.issue({ commonName: 'veteran', client: true }))
  test.each(['either-ca', 'one-bundle'])('of several, any serves (%s)', async (tag) => {
    await isServed(tag, presents(client()), 'CN=alice')
    await isServed(tag, ofOld(), 'CN=veteran')
    await isRefused(tag, presents(otherRoot.issue({ commonName: 'x', client: true })), 'ClientCertificateUntrusted')
  })
  test('of one host count for that host alone', () => isRefused('require', ofOld(), 'ClientCertificateUntrusted'))
  test('are roots: an intermediate without its root vouches for nobody, with it for its own and the rest', async () => {
    const ofBetween = presents(between.issue({ commonName: 'bob', client: true }))
    await isRefused('intermediate-ca', ofBetween, 'ClientCertificateUntrusted')
    // Beside its root it spares clients from sending it along.
    await isServed('intermediate-and-root', ofBetween, 'CN=bob')
    await isServed('intermediate-and-root', presents(client()), 'CN=alice')
  })
  test('may lie in a Secret', () => isServed('from-secret', presents(client()), 'CN=alice'))
  test('that have ended vouch for nobody', () =>
    isRefused('ended-ca', presents(endedRoot.issue({ commonName: 'late', client: true })), 'ClientCertificateExpired'))
  test('that are missing cost their own host its clients, and no other', async () => {
    await isRefused('no-ca', presents(client()), 'ClientCertificateUntrusted')
    await isRefused('no-ca', {}, 'ClientCertificateMissing')
    await isServed('require', presents(client()), 'CN=alice')
  })
})

describe('allowedNames', () => {
  test('commonNames match exactly', async () => {
    await isServed('by-cn', presents(client({ commonName: 'carol' })), 'CN=carol')
    for (const commonName of ['bob', 'Alice', 'alice2', 'xalice', ''])
      await isRefused('by-cn', presents(client({ commonName, names: ['alice'] })), 'ClientCertificateNotAllowed')
  })

  test('dnsNames match a DNS name of the certificate without case', async () => {
    const named = (...list: string[]) => presents(client({ commonName: 'd', names: list }))
    await isServed('by-dns', named('other.test', 'CLIENT.example.test'), 'CN=d')
    for (const list of [['x.client.example.test'], ['*.example.test'], [], ['client.example.test.evil.test']])
      await isRefused('by-dns', named(...list), 'ClientCertificateNotAllowed')
    // A common name is no DNS name.
    await isRefused('by-dns', presents(client({ commonName: 'client.example.test' })), 'ClientCertificateNotAllowed')
  })

  test('uris match a URI of the certificate exactly', async () => {
    const wanted = 'spiffe://example.test/ns/shop/sa/cart'
    await isServed('by-uri', presents(client({ ...uri(wanted) })), 'CN=alice')
    for (const other of [`${wanted}/x`, wanted.toUpperCase(), 'spiffe://example.test/ns/shop/sa/cart?'])
      await isRefused('by-uri', presents(client({ ...uri(other) })), 'ClientCertificateNotAllowed')
    // The text of a URI inside a name of another kind is none (CVE-2021-44532).
    const inDns = client({ rawNames: [{ tag: 2, content: Buffer.from(`a.test, URI:${wanted}`) }] })
    await isRefused('by-uri', presents(inDns), 'ClientCertificateNotAllowed')
    const inOtherUri = client(uri(`spiffe://x, URI:${wanted}`))
    await isRefused('by-uri', presents(inOtherUri), 'ClientCertificateNotAllowed')
  })

  test('spkiSha256 matches the public key, whatever certificate it comes in', async () => {
    await isServed('by-spki', presents(pinned), 'CN=pinned')
    await isServed('by-spki', presents(client({ commonName: 'renewed', key: pinned.keyPem })), 'CN=renewed')
    await isRefused('by-spki', presents(client({ commonName: 'pinned' })), 'ClientCertificateNotAllowed')
  })

  test('one entry of any list is enough', () =>
    isServed(
      'by-any',
      presents(client({ commonName: 'somebody', ...uri('spiffe://example.test/any') })),
      'CN=somebody',
    ))

  test('a name on the list does not make up for another CA', () =>
    isRefused('by-cn', presents(otherRoot.issue({ commonName: 'alice', client: true })), 'ClientCertificateUntrusted'))

  test('count under Optional for a client that presents a certificate', async () => {
    await isServed('optional-by-cn', presents(client()), 'CN=alice')
    await isRefused('optional-by-cn', presents(client({ commonName: 'bob' })), 'ClientCertificateNotAllowed')
  })
})

test.skipIf(opensslMissing)(
  'openssl s_client is asked for a certificate of the CA by its name, by the hosts that ask',
  async () => {
    const ask = async (tag: string) => (await opensslClient(engine.port, ['-servername', `${tag}.test`], 'x')).output
    expect(await ask('require')).toMatch(/^Acceptable client certificate CA names\nCN = Clients Root$/m)
    expect(await ask('one-bundle')).toMatch(
      /CN = Old Clients Root\nCN = Clients Root|CN = Clients Root\nCN = Old Clients Root/,
    )
    expect(await ask('none')).toMatch(/^No client certificate CA names sent$/m)
  },
)

test('a changed CA bundle counts from the next client on, and cuts off nobody', { timeout: 40_000 }, async () => {
  const configMaps = { clients: { 'ca.crt': oldRoot.cert } }
  await using own = await startTlsEngine([host({ hostTag: 'a', ...asks('Require') })], { configMaps })
  const ofOld = presents(oldRoot.issue({ commonName: 'veteran', client: true }))
  const served = (options: Partial<TlsClientOptions>) =>
    connectTls({ port: own.port, servername: 'a.test', ...options })
  await using before = await served(ofOld)
  expect(await before.request('hello')).toBe('hello')
  expect((await own.refusal({ servername: 'a.test', ...presents(client()) })).line['reason']).toBe(
    'ClientCertificateUntrusted',
  )

  await own.writeConfigMap('clients', { 'ca.crt': oldRoot.cert + root.cert })
  await eventually(
    async () => {
      await using one = await served(presents(client()))
      expect(await one.request('hello')).toBe('hello')
    },
    { withinMs: 10_000, everyMs: 200 },
  )
  await using still = await served(ofOld)
  expect(await still.request('hello')).toBe('hello')

  await own.writeConfigMap('clients', { 'ca.crt': root.cert })
  await eventually(
    async () => {
      const { line } = await own.refusal({ servername: 'a.test', ...ofOld })
      expect(line['reason']).toBe('ClientCertificateUntrusted')
    },
    { withinMs: 10_000, everyMs: 200 },
  )
  expect(await before.request('hello')).toBe('hello')
})

test('a CA that the whole system trusts vouches for no client unless the host names it', async () => {
  await using workspace = await createWorkspace()
  const path = await workspace.write('system-roots.pem', otherRoot.cert)
  await using own = await startTlsEngine(
    [
      host({ hostTag: 'named', ...asks('Require') }),
      host({ hostTag: 'none', ...asks('Require', { caRefs: [{ kind: 'ConfigMap', name: 'absent' }] }) }),
    ],
    {
      configMaps: { clients: { 'ca.crt': root.cert } },
      env: { NODE_EXTRA_CA_CERTS: path, SSL_CERT_FILE: path },
    },
  )
  const stranger = presents(otherRoot.issue({ commonName: 'alice', client: true }))
  for (const tag of ['named', 'none']) {
    const { line } = await own.refusal({ servername: `${tag}.test`, ...stranger })
    expect(line).toMatchObject({ host: tag, reason: 'ClientCertificateUntrusted' })
  }
})
