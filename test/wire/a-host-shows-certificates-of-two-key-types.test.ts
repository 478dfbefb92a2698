import type { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { host } from '../support/manifest.ts'
import { opensslClient, opensslMissing } from '../support/openssl-client.ts'
import { connectTls, type TlsClientOptions } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

const KEY_TYPES = {
  p256: 'EC P-256',
  p384: 'EC P-384',
  p521: 'EC P-521',
  rsa4096: 'RSA-4096',
  ed25519: 'Ed25519',
} as const

let engine: TlsEngine
beforeAll(async () => {
  engine = await startTlsEngine(
    [
      host({ hostTag: 'both', certificate: { secretName: 'rsa', additionalSecretNames: ['ec'] } }),
      host({ hostTag: 'rsa-only', certificate: { secretName: 'rsa-only' } }),
      ...Object.keys(KEY_TYPES).map((hostTag) => host({ hostTag })),
      host({ hostTag: 'ec-only', certificate: { secretName: 'ec-only' } }),
    ],
    { keyTypes: { ...KEY_TYPES, rsa: 'RSA-2048', 'rsa-only': 'RSA-2048', 'ec-only': 'EC P-384' } },
  )
})
afterAll(() => engine[Symbol.asyncDispose]())

/** Clients that verify signatures of one kind alone. */
const CLIENTS: Readonly<Record<string, readonly [Partial<TlsClientOptions>, keyType: string]>> = {
  'TLS 1.2 with ECDSA suites alone': [{ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, 'ec'],
  'TLS 1.2 with RSA suites alone': [{ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, 'rsa'],
  'TLS 1.2 with ECDSA signatures alone': [{ maxVersion: 'TLSv1.2', sigalgs: 'ecdsa_secp256r1_sha256' }, 'ec'],
  'TLS 1.2 with RSA signatures alone': [{ maxVersion: 'TLSv1.2', sigalgs: 'rsa_pkcs1_sha256' }, 'rsa'],
  'TLS 1.3 with ECDSA signatures alone': [{ minVersion: 'TLSv1.3', sigalgs: 'ecdsa_secp256r1_sha256' }, 'ec'],
  // The CA signs by ECDSA, which a client of RSA alone still has to verify in the chain.
  'TLS 1.3 with RSA signatures first': [
    { minVersion: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256:ecdsa_secp521r1_sha512' },
    'rsa',
  ],
  'TLS 1.3 of today': [{ minVersion: 'TLSv1.3' }, 'ec'],
}

for (const [who, [options, keyType]] of Object.entries(CLIENTS))
  test(`a client of ${who} is shown the ${keyType} certificate`, async () => {
    await using client = await connectTls({ port: engine.port, servername: 'both.test', ...options })
    const key = (client.socket.getPeerX509Certificate() as X509Certificate).publicKey
    expect(key.asymmetricKeyType).toBe(keyType)
    expect(await client.request('hello')).toBe('hello')
  })

test('both are in /status and in the metrics, and both chains are whole', async () => {
  const [both] = (await engine.status()).icsHosts
  expect(both).toMatchObject({
    hostTag: 'both',
    certificates: [
      { secretName: 'rsa', keyType: 'RSA 2048' },
      { secretName: 'ec', keyType: 'EC P-256' },
    ],
  })
  const metrics = await engine.metrics()
  for (const secret of ['rsa', 'ec'])
    expect(metrics.sum('socketserver_certificate_not_after_timestamp_seconds', { secret })).toBeGreaterThan(1e9)
  for (const sigalgs of ['rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256', 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256']) {
    const { cert: ca } = engine.authority
    await using client = await connectTls({ port: engine.port, servername: 'both.test', ca, sigalgs })
    expect(await client.request('hello')).toBe('hello')
  }
})

test('a host with one key type refuses clients of the other, and says so in the log', async () => {
  const wrong = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const
  const { code, line } = await engine.refusal({ servername: 'ec-only.test', ...wrong })
  expect(code).toMatch(/HANDSHAKE_FAILURE/)
  expect(line).toMatchObject({
    host: 'ec-only',
    reason: 'HandshakeFailed',
    detail: expect.stringMatching(/NO_SHARED_CIPHER/),
  })
  await using client = await connectTls({ port: engine.port, servername: 'rsa-only.test', ...wrong })
  expect(await client.request('hello')).toBe('hello')
})

test.skipIf(opensslMissing)('openssl finds either by the signature algorithm it offers', async () => {
  const ask = (sigalgs: string) => opensslClient(engine.port, ['-servername', 'both.test', '-sigalgs', sigalgs])
  expect((await ask('ECDSA+SHA256')).output).toMatch(/Peer signature type: ECDSA/)
  expect((await ask('RSA-PSS+SHA256')).output).toMatch(/Peer signature type: RSA-PSS/)
})

test.each(Object.entries(KEY_TYPES))('a key of type %s serves under TLS 1.2 and 1.3', async (tag) => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const versions = { minVersion: version, maxVersion: version }
    const { cert: ca } = engine.authority
    await using client = await connectTls({ port: engine.port, servername: `${tag}.test`, ca, ...versions })
    expect(await client.request('hello')).toBe('hello')
  }
})
