import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { host } from '../support/manifest.ts'
import { opensslClient, opensslMissing } from '../support/openssl-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'
import { settle, taken } from '../support/tls-offer.ts'

const certificate = { secretName: 'ec', additionalSecretNames: ['rsa'] }
/** All on one port, so that nothing but the server name tells them apart. */
const OVERRIDES = {
  plain: {},
  only13: { minVersion: 'TLSv1.3' },
  only12: { maxVersion: 'TLSv1.2' },
  'one-suite12': { ciphers: ['ECDHE-RSA-AES256-GCM-SHA384'] },
  'one-suite13': { ciphers: ['TLS_CHACHA20_POLY1305_SHA256'] },
  'dhe-suite': { maxVersion: 'TLSv1.2', ciphers: ['DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-CHACHA20-POLY1305'] },
  'old-suite': { ciphers: ['ECDHE-RSA-AES128-SHA', 'AES256-SHA'] },
  'suite-order': { ciphers: ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES256-GCM-SHA384'] },
  'one-group': { groups: ['P-384'] },
  'group-order': { groups: ['P-256', 'X25519'] },
  'pq-groups': { groups: ['SecP256r1MLKEM768', 'SecP384r1MLKEM1024', 'X448'] },
  alpn: { alpn: ['h2', 'http/1.1'] },
  'other-alpn': { alpn: ['mqtt'] },
} as const
type Tag = keyof typeof OVERRIDES

let engine: TlsEngine
const at = (tag: Tag) => ({ port: engine.port, servername: `${tag}.test` })

beforeAll(async () => {
  engine = await startTlsEngine(
    Object.entries(OVERRIDES).map(([hostTag, tls]) => host({ hostTag, tls, certificate })),
    { keyTypes: { rsa: 'RSA-2048' }, names: ['*.test'] },
  )
})
afterAll(() => engine[Symbol.asyncDispose]())

const versionsOf = (tag: Tag) =>
  taken(['TLSv1.2', 'TLSv1.3'], (version) => ({ ...at(tag), minVersion: version, maxVersion: version }))
const suitesOf = (tag: Tag) =>
  taken(
    [
      ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
      ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305', 'ECDHE-RSA-AES128-SHA', 'AES256-SHA'],
      ...['DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-CHACHA20-POLY1305', 'AES128-GCM-SHA256'],
    ],
    (ciphers) => ({ ...at(tag), maxVersion: 'TLSv1.2', ciphers }),
  )
const suites13Of = (tag: Tag) =>
  taken(['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'], (suite) => ({
    ...{ ...at(tag), minVersion: 'TLSv1.3', ciphers: `${suite}:ALL` },
  }))
const groupsOf = (tag: Tag) =>
  taken(
    ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024', 'X25519', 'X448', 'P-256', 'P-384', 'P-521'],
    (ecdhCurve) => ({ ...at(tag), minVersion: 'TLSv1.3', ecdhCurve }),
  )

test('without overrides both versions and all of the level are served', async () => {
  expect(await versionsOf('plain')).toEqual(['TLSv1.2', 'TLSv1.3'])
  expect((await suitesOf('plain')).length).toBe(5)
  expect((await suites13Of('plain')).length).toBe(3)
  expect(await groupsOf('plain')).toEqual(['X25519MLKEM768', 'X25519', 'P-256', 'P-384'])
})

test('minVersion TLSv1.3 refuses TLS 1.2 on that host alone', async () => {
  expect(await versionsOf('only13')).toEqual(['TLSv1.3'])
  expect(await versionsOf('plain')).toEqual(['TLSv1.2', 'TLSv1.3'])
})

test('maxVersion TLSv1.2 refuses TLS 1.3 on that host alone', async () => {
  expect(await versionsOf('only12')).toEqual(['TLSv1.2'])
  const both = await settle(at('only12'))
  expect(both?.protocol).toBe('TLSv1.2')
})

test('ciphers of TLS 1.2 replace those of the level, and leave TLS 1.3 as it is', async () => {
  expect(await suitesOf('one-suite12')).toEqual(['ECDHE-RSA-AES256-GCM-SHA384'])
  expect((await suites13Of('one-suite12')).length).toBe(3)
})

test('ciphers of TLS 1.3 replace those of the level, and leave TLS 1.2 as it is', async () => {
  expect(await suites13Of('one-suite13')).toEqual(['TLS_CHACHA20_POLY1305_SHA256'])
  expect((await suitesOf('one-suite13')).length).toBe(5)
})

test('ciphers may name suites that no level has: DHE', async () => {
  expect(await suitesOf('dhe-suite')).toEqual(['DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-CHACHA20-POLY1305'])
})

test('ciphers may name suites that no level has: CBC with SHA-1, for what is very old', async () => {
  expect(await suitesOf('old-suite')).toEqual(['ECDHE-RSA-AES128-SHA', 'AES256-SHA'])
})

test('the order of ciphers is the order of preference', async () => {
  const orders = ['ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305', 'ALL']
  for (const ciphers of orders) {
    const found = await settle({ ...at('suite-order'), maxVersion: 'TLSv1.2', ciphers })
    expect(found?.cipher).toBe('TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256')
  }
})

test('groups replace those of the level', async () => {
  expect(await groupsOf('one-group')).toEqual(['P-384'])
  expect(await groupsOf('group-order')).toEqual(['X25519', 'P-256'])
})

test('groups may name those that no level has', async () => {
  expect(await groupsOf('pq-groups')).toEqual(['SecP256r1MLKEM768', 'SecP384r1MLKEM1024', 'X448'])
})

test('the order of groups is the order of preference', async () => {
  const found = await settle({ ...at('group-order'), ecdhCurve: 'X25519:P-256', minVersion: 'TLSv1.3' })
  // A share that came is used rather than asked for again; under TLS 1.2 nothing has come yet.
  expect(['X25519', 'P-256']).toContain(found?.group)
  const by12 = await settle({ ...at('group-order'), ecdhCurve: 'X25519:P-256', maxVersion: 'TLSv1.2' })
  expect(by12?.group).toBe('P-256')
})

describe('alpn', () => {
  const ask = (tag: Tag, ...ALPNProtocols: string[]) => connectTls({ ...at(tag), ALPNProtocols })

  test("the host's most wanted protocol that the client offers is chosen, and logged", async () => {
    await using both = await ask('alpn', 'http/1.1', 'h2')
    expect(both.alpn).toBe('h2')
    both.socket.end()
    expect(await engine.closeLine(both.origin)).toMatchObject({ host: 'alpn', alpn: 'h2' })
    await using one = await ask('alpn', 'spdy/3', 'http/1.1')
    expect(one.alpn).toBe('http/1.1')
    await using other = await ask('other-alpn', 'h2', 'mqtt')
    expect(other.alpn).toBe('mqtt')
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a client with nothing in common is told no_application_protocol (%s)',
    async (version) => {
      const { code, line } = await engine.refusal({
        ...at('other-alpn'),
        ...{ ALPNProtocols: ['h2', 'http/1.1'], minVersion: version, maxVersion: version },
      })
      expect(code).toMatch(/NO_APPLICATION_PROTOCOL/)
      expect(line).toMatchObject({ host: 'other-alpn', reason: 'HandshakeFailed' })
    },
  )

  test('a client that offers none is served without', async () => {
    await using client = await connectTls(at('other-alpn'))
    expect(client.alpn).toBeUndefined()
    expect(await client.request('hello')).toBe('hello')
    client.socket.end()
    expect((await engine.closeLine(client.origin))['alpn']).toBeUndefined()
  })

  test('a host without alpn serves every offer and answers none', async () => {
    await using client = await ask('plain', 'h2', 'http/1.1')
    expect(client.alpn).toBeUndefined()
    expect(await client.request('hello')).toBe('hello')
  })

  test.skipIf(opensslMissing)('openssl s_client sees the same', async () => {
    const ask = (tag: Tag) => opensslClient(engine.port, ['-servername', `${tag}.test`, '-alpn', 'http/1.1,h2'])
    expect((await ask('alpn')).output).toMatch(/^ALPN protocol: h2$/m)
    expect(await ask('other-alpn')).toMatchObject({ protocol: undefined, alert: 120 })
    expect((await ask('plain')).output).toMatch(/^No ALPN negotiated$/m)
  })
})

test.skipIf(opensslMissing)('no client of TLS 1.2 can ask for a second handshake', async () => {
  const asked = await opensslClient(engine.port, ['-servername', 'plain.test', '-tls1_2', '-msg'], 'R\n')
  expect(asked.output).toContain('RENEGOTIATING')
  expect(asked.output).toMatch(/(warning|fatal) no_renegotiation/)
})
