import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { host, listener, type Part, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectTls, type TlsClientOptions } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

const clients = createAuthority({ name: 'Clients' })
const configMaps = { clients: { 'ca.crt': clients.cert } }
const present = (notAfter?: Date) => {
  const { certPem, keyPem } = clients.issue({ commonName: 'alice', client: true, ...(notAfter ? { notAfter } : {}) })
  return { cert: certPem, key: keyPem }
}
const alice = present()
const asks = (method: string, more: Part = {}): Part => ({
  clientCertificate: { method, caRefs: [{ kind: 'ConfigMap', name: 'clients' }], ...more },
})
/** One certificate for all, as a wildcard is often used: the certificate tells no client that hosts differ. */
const certificate = { secretName: 'shared' }
const HOSTS = [
  host({ hostTag: 'open', certificate }),
  host({ hostTag: 'open-too', certificate }),
  host({ hostTag: 'strict', certificate, ...asks('Require') }),
  host({ hostTag: 'optional', certificate, ...asks('Optional') }),
  host({ hostTag: 'few', certificate, ...asks('Require', { allowedNames: { commonNames: ['carol'] } }) }),
  host({ hostTag: 'strong', certificate, securityLevel: 'High192' }),
].map((one) => ({ listeners: ['tls'], ...one }))
/** Two hosts of one name, each the default of its own listener. */
const named = { certificate, hostNames: ['same.test'], default: true }
const NAMESAKES = [
  host({ hostTag: 'first', ...named, listeners: ['tls'] }),
  host({ hostTag: 'second', ...named, listeners: ['strict'], ...asks('Require') }),
]

let engine: TlsEngine
let strictPort: number
beforeAll(async () => {
  strictPort = await freePort()
  engine = await startTlsEngine([...HOSTS, ...NAMESAKES], {
    ...{ configMaps, names: ['*.test'], keyTypes: { shared: 'EC P-384' } },
    moreListeners: [listener({ name: 'strict', port: strictPort })],
  })
})
afterAll(() => engine[Symbol.asyncDispose]())

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('under %s', (version) => {
  const options = (tag: string, more: Partial<TlsClientOptions> = {}, on = engine) =>
    ({
      port: on.port,
      servername: `${tag}.test`,
      minVersion: version,
      maxVersion: version,
      ...more,
    }) as TlsClientOptions

  /** A first visit to the host; resolves with its ticket. */
  async function ticketOf(tag: string, more: Partial<TlsClientOptions> = {}, on = engine): Promise<Buffer> {
    await using client = await connectTls(options(tag, more, on))
    expect(client.resumed).toBe(false)
    // The ticket of TLS 1.3 comes behind the handshake.
    expect(await client.request('first')).toBe('first')
    return await client.session()
  }

  // OpenSSL gives no tickets of TLS 1.2 at the strength of High128 and High192 (SSL_CTX_set_security_level(3)).
  test.each(['open', 'optional', ...(version === 'TLSv1.3' ? ['strong'] : [])])(
    'the host %s takes its own ticket, and the log says so',
    async (tag) => {
      const session = await ticketOf(tag)
      await using client = await connectTls(options(tag, { session }))
      expect(client.resumed).toBe(true)
      expect(await client.request('again')).toBe('again')
      client.socket.end()
      const line = await engine.closeLine(client.origin)
      expect(line).toMatchObject({ host: tag, tlsVersion: version, resumed: true, reason: 'Completed' })
      // TLS 1.3 exchanges keys anew, TLS 1.2 does not.
      expect(line['group']).toBe(version === 'TLSv1.3' ? client.group : undefined)
      const labels = { version, resumed: 'true' }
      expect((await engine.metrics()).sum('socketserver_handshakes_total', labels)).toBeGreaterThan(0)
    },
  )

  test('a client with a certificate is still who it was when it comes back', async () => {
    const session = await ticketOf('strict', alice)
    await using client = await connectTls(options('strict', { session, ...alice }))
    expect(await client.request('again')).toBe('again')
    client.socket.end()
    expect(await engine.closeLine(client.origin)).toMatchObject({
      ...{ host: 'strict', resumed: true, clientSubject: 'CN=alice', reason: 'Completed' },
    })
  })

  test.each([
    ['open', 'strict'],
    ['optional', 'strict'],
    ['open', 'few'],
  ])('a ticket of %s does not open %s to a client without a certificate', async (from, to) => {
    const session = await ticketOf(from)
    const { line } = await engine.refusal(options(to, { session }))
    expect(line).toMatchObject({ host: to, resumed: false, reason: 'ClientCertificateMissing' })
  })

  test('a ticket of a host that lets everybody in does not open one that lets few in', async () => {
    const session = await ticketOf('strict', alice)
    const { line } = await engine.refusal(options('few', { session, ...alice }))
    expect(line).toMatchObject({ host: 'few', resumed: false, reason: 'ClientCertificateNotAllowed' })
  })

  test.each([
    ['open', 'open-too'],
    ['open', 'strong'],
    ['strict', 'open'],
    ['strict', 'optional'],
  ])('a ticket of %s is worth nothing on %s: a whole handshake serves the client', async (from, to) => {
    const session = await ticketOf(from, from === 'strict' ? alice : {})
    await using client = await connectTls(options(to, { session }))
    expect(client.resumed).toBe(false)
    expect(await client.request('hello')).toBe('hello')
    client.socket.end()
    const line = await engine.closeLine(client.origin)
    expect(line).toMatchObject({ host: to, resumed: false, reason: 'Completed' })
    // Nobody becomes somebody by the ticket of another host.
    expect(line['clientSubject']).toBeUndefined()
  })

  // The TLS library itself ties a session to its server name. Two listeners may give one name, or none, to two hosts.
  test.each(['same.test', ''])(
    'a ticket for the name "%s" on one listener does not open the host of another',
    async (servername) => {
      const [open, strict] = [engine.port, strictPort]
      const session = await ticketOf('', { servername, port: open })
      await using again = await connectTls(options('', { servername, port: open, session }))
      expect(again.resumed).toBe(true)
      const { line } = await engine.refusal(options('', { servername, port: strict, session }))
      expect(line).toMatchObject({ host: 'second', resumed: false, reason: 'ClientCertificateMissing' })
    },
  )

  test('garbage for a ticket costs a whole handshake, no more', async () => {
    const session = await ticketOf('open')
    for (let at = session.length - 60; at < session.length - 20; at += 7) session[at] = (session[at] ?? 0) ^ 0x55
    await using client = await connectTls(options('open', { session }))
    expect(client.resumed).toBe(false)
    expect(await client.request('hello')).toBe('hello')
  })

  test('a ticket outlives no certificate', async () => {
    const end = Date.now() + 6_000
    const brief = present(new Date(end))
    const session = await ticketOf('strict', brief)
    await sleep(end - Date.now() + 1_500)
    const { line } = await engine.refusal(options('strict', { session, ...brief }))
    expect(line).toMatchObject({ host: 'strict', reason: 'ClientCertificateExpired' })
  })

  test('a ticket outlives no change of who is let in, and a change elsewhere costs no ticket', async () => {
    const manifest = (port: number, commonName: string) =>
      socketServer({
        listeners: [listener({ port })],
        icsHosts: [
          host({ hostTag: 'a', certificate }),
          host({ hostTag: 'b', certificate, ...asks('Require', { allowedNames: { commonNames: [commonName] } }) }),
        ],
      })
    await using own = await startTlsEngine(
      [
        host({ hostTag: 'a', certificate }),
        host({ hostTag: 'b', certificate, ...asks('Require', { allowedNames: { commonNames: ['alice'] } }) }),
      ],
      { configMaps, names: ['*.test'] },
    )
    const ofA = await ticketOf('a', {}, own)
    const ofB = await ticketOf('b', alice, own)
    await own.writeManifest(manifest(own.port, 'carol'))
    await own.waitForLog((line) => line.message === 'manifest accepted', 10_000)
    const { line } = await own.refusal(options('b', { session: ofB, ...alice }, own))
    expect(line).toMatchObject({ host: 'b', resumed: false, reason: 'ClientCertificateNotAllowed' })
    await using client = await connectTls(options('a', { session: ofA }, own))
    expect(client.resumed).toBe(true)
    expect(await client.request('again')).toBe('again')
  })
})

test('a CA that is taken away takes its tickets along', { timeout: 40_000 }, async () => {
  const successor = createAuthority({ name: 'Successor' })
  await using own = await startTlsEngine([host({ hostTag: 'a', ...asks('Require') })], { configMaps })
  const options = { port: own.port, servername: 'a.test', ...alice }
  await using first = await connectTls(options)
  expect(await first.request('first')).toBe('first')
  const session = await first.session()
  await own.writeConfigMap('clients', { 'ca.crt': successor.cert })
  await eventually(
    async () => {
      const { line } = await own.refusal({ ...options, session })
      expect(line).toMatchObject({ reason: 'ClientCertificateUntrusted', resumed: false })
    },
    { withinMs: 10_000, everyMs: 200 },
  )
})
