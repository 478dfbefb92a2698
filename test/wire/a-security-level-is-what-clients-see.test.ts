import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestKeyType } from '../support/certificates.ts'
import { host } from '../support/manifest.ts'
import { opensslClient, opensslMissing } from '../support/openssl-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'
import { settle, taken } from '../support/tls-offer.ts'

const LEVELS = [
  'Backward',
  'Intermediate',
  'IntermediateForwardSecrecy',
  'High',
  'High128',
  'High192',
  'Tls12Only',
  'Tls13Only',
  'PostQuantum',
] as const
type Level = (typeof LEVELS)[number]

const serverNameOf = (level: Level) => `${level.toLowerCase()}.test`

let engine: TlsEngine
const offer = (level: Level) => ({ port: engine.port, servername: serverNameOf(level) })

beforeAll(async () => {
  // Two key types each, so that no suite is refused for want of a key; RSA with 192 bits of strength is not to be had.
  engine = await startTlsEngine(
    LEVELS.map((level) => {
      const secrets = { secretName: 'ec', additionalSecretNames: ['rsa'] }
      const certificate = level === 'High192' ? { secretName: 'strong' } : secrets
      return host({ hostTag: level, hostNames: [serverNameOf(level)], securityLevel: level, certificate })
    }),
    { keyTypes: { rsa: 'RSA-3072', strong: 'EC P-384' }, names: LEVELS.map(serverNameOf) },
  )
})
afterAll(() => engine[Symbol.asyncDispose]())

/** By OpenSSL's names, everything a client might still offer under TLS 1.2. */
const INTERMEDIATE = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const
const CBC_SHA2_ECDHE = [
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
] as const
const RSA_KEY_EXCHANGE = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA256', 'AES256-SHA256'] as const
const NEVER = [
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-SHA',
  'AES256-SHA',
  'ECDHE-ECDSA-AES128-CCM',
  'ECDHE-ECDSA-AES256-CCM8',
  'ECDHE-RSA-CAMELLIA128-SHA256',
  'ECDHE-ARIA128-GCM-SHA256',
  'AES256-CCM',
  'ARIA256-GCM-SHA384',
  'CAMELLIA256-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
  'DHE-RSA-AES128-SHA',
  'ADH-AES128-GCM-SHA256',
  'AECDH-AES128-SHA',
  'ECDHE-RSA-NULL-SHA',
  'NULL-SHA256',
] as const
const OFFERS_12 = [...INTERMEDIATE, ...CBC_SHA2_ECDHE, ...RSA_KEY_EXCHANGE, ...NEVER]

const SUITES_12: Readonly<Record<string, readonly [Level, readonly string[]]>> = {
  'Backward takes the suites of Intermediate, CBC with SHA-2, and RSA key exchange': [
    'Backward',
    [...INTERMEDIATE, ...CBC_SHA2_ECDHE, ...RSA_KEY_EXCHANGE],
  ],
  'Intermediate takes ECDHE with AES-GCM or ChaCha20': ['Intermediate', INTERMEDIATE],
  'IntermediateForwardSecrecy takes ECDHE with AES-GCM or ChaCha20': ['IntermediateForwardSecrecy', INTERMEDIATE],
  'High takes ECDHE with AES-GCM or ChaCha20': ['High', INTERMEDIATE],
  'High128 takes ECDHE with AES-GCM or ChaCha20': ['High128', INTERMEDIATE],
  'High192 takes ECDHE with AES-256-GCM or ChaCha20': [
    'High192',
    ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ],
  'Tls12Only takes ECDHE with AES-GCM or ChaCha20': ['Tls12Only', INTERMEDIATE],
  'Tls13Only takes no suite of TLS 1.2': ['Tls13Only', []],
  'PostQuantum takes no suite of TLS 1.2': ['PostQuantum', []],
}

describe('under TLS 1.2', () => {
  for (const [sentence, [level, suites]] of Object.entries(SUITES_12))
    test(sentence, async () => {
      const found = await taken(OFFERS_12, (ciphers) => ({ ...offer(level), maxVersion: 'TLSv1.2', ciphers }))
      expect(found).toEqual(suites)
    })
})

const AES_256_13 = 'TLS_AES_256_GCM_SHA384'
const CHACHA_13 = 'TLS_CHACHA20_POLY1305_SHA256'
const AES_128_13 = 'TLS_AES_128_GCM_SHA256'
const OFFERS_13 = [AES_256_13, CHACHA_13, AES_128_13, 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256'] as const
const SUITES_13: Readonly<Record<string, readonly [readonly Level[], readonly string[]]>> = {
  'every level with TLS 1.3 but High192 takes AES-GCM and ChaCha20': [
    ['Backward', 'Intermediate', 'IntermediateForwardSecrecy', 'High', 'High128', 'Tls13Only', 'PostQuantum'],
    [AES_256_13, CHACHA_13, AES_128_13],
  ],
  'High192 takes AES-256-GCM and ChaCha20 alone': [['High192'], [AES_256_13, CHACHA_13]],
  'Tls12Only takes no suite of TLS 1.3': [['Tls12Only'], []],
}

describe('under TLS 1.3', () => {
  for (const [sentence, [levels, suites]] of Object.entries(SUITES_13))
    test(sentence, async () => {
      for (const level of levels) {
        const found = await taken(OFFERS_13, (ciphers) => ({
          ...offer(level),
          minVersion: 'TLSv1.3',
          ciphers: `${ciphers}:ALL`,
        }))
        expect(found, level).toEqual(suites)
      }
    })
})

const GROUPS = [
  ...['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024', 'X25519', 'X448', 'P-256', 'P-384', 'P-521'],
  ...['MLKEM768', 'ffdhe2048', 'brainpoolP256r1tls13'],
] as const
const AS_HIGH = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384']
const GROUPS_OF: Readonly<Record<Level, readonly string[]>> = {
  Backward: [...AS_HIGH, 'P-521'],
  Intermediate: AS_HIGH,
  IntermediateForwardSecrecy: AS_HIGH,
  High: AS_HIGH,
  High128: AS_HIGH,
  High192: ['X25519MLKEM768', 'P-384', 'P-521'],
  Tls12Only: ['X25519', 'P-256', 'P-384'],
  Tls13Only: AS_HIGH,
  PostQuantum: ['X25519MLKEM768'],
}

describe.each(LEVELS)('the level %s', (level) => {
  const isOnly12 = level === 'Tls12Only'
  const isOnly13 = level === 'Tls13Only' || level === 'PostQuantum'

  if (!isOnly12)
    test('takes exactly its groups under TLS 1.3', async () => {
      const found = await taken(GROUPS, (ecdhCurve) => ({ ...offer(level), minVersion: 'TLSv1.3', ecdhCurve }))
      expect(found).toEqual(GROUPS_OF[level])
    })

  if (!isOnly13 && level !== 'High192')
    test('takes exactly its classical groups under TLS 1.2', async () => {
      const classical = ['X25519', 'X448', 'P-256', 'P-384', 'P-521'] as const
      // The curve of an EC certificate must be among the groups a client of TLS 1.2 names (RFC 8422, 5.1), so RSA signs.
      const ciphers = 'ECDHE-RSA-AES256-GCM-SHA384'
      const found = await taken(classical, (ecdhCurve) => ({
        ...offer(level),
        maxVersion: 'TLSv1.2',
        ecdhCurve,
        ciphers,
      }))
      expect(found).toEqual(classical.filter((group) => GROUPS_OF[level].includes(group)))
    })

  if (!isOnly13)
    test('chooses by its own order under TLS 1.2, whatever the client prefers', async () => {
      const found = await settle({ ...offer(level), maxVersion: 'TLSv1.2' })
      const suite = level === 'High192' ? 'AES_256_GCM_SHA384' : 'AES_128_GCM_SHA256'
      expect(found).toMatchObject({ protocol: 'TLSv1.2', cipher: `TLS_ECDHE_ECDSA_WITH_${suite}` })
      expect(found?.group).toBe(GROUPS_OF[level].filter((group) => !group.includes('MLKEM'))[0])
    })

  if (!isOnly12)
    test('gives a client of today TLS 1.3 and a post-quantum key exchange, and says so', async () => {
      await using client = await connectTls({ ...offer(level), ca: engine.authority.cert })
      expect(client).toMatchObject({ protocol: 'TLSv1.3', cipher: AES_256_13, group: 'X25519MLKEM768' })
      client.socket.end()
      expect(await engine.closeLine(client.origin)).toMatchObject({
        ...{ host: level, tlsVersion: 'TLSv1.3', cipher: AES_256_13, group: 'X25519MLKEM768', resumed: false },
      })
    })

  test('tells the version it wants to a client of another', async () => {
    for (const version of ['TLSv1', 'TLSv1.1'] as const)
      expect(await settle({ ...offer(level), minVersion: version, maxVersion: version }), version).toBeUndefined()
    const refused = isOnly12 ? 'TLSv1.3' : 'TLSv1.2'
    const both = await settle({ ...offer(level), minVersion: refused, maxVersion: refused })
    expect(both?.protocol).toBe(isOnly12 || isOnly13 ? undefined : refused)
  })

  test.skipIf(opensslMissing)('is what openssl s_client sees', async () => {
    const ask = (...args: readonly string[]) =>
      opensslClient(engine.port, ['-servername', serverNameOf(level), ...args])
    const any = ['-cipher', 'ALL:@SECLEVEL=0']
    for (const old of ['-tls1', '-tls1_1'])
      expect(await ask(old, ...any)).toMatchObject({ protocol: undefined, alert: 70 })
    const by12 = await ask('-tls1_2', ...any)
    if (isOnly13) expect(by12).toMatchObject({ protocol: undefined, alert: 70 })
    else
      expect(by12).toMatchObject({ code: 0, protocol: 'TLSv1.2', cipher: expect.stringMatching(/^ECDHE-ECDSA-.*GCM/) })
    const by13 = await ask('-tls1_3', '-groups', 'P-384:X25519')
    if (isOnly12) expect(by13).toMatchObject({ protocol: undefined, alert: 70 })
    // This openssl has no ML-KEM to offer.
    else if (level === 'PostQuantum') expect(by13).toMatchObject({ protocol: undefined, alert: 40 })
    else expect(by13).toMatchObject({ code: 0, protocol: 'TLSv1.3', cipher: AES_256_13 })
  })
})

test('High192 finds its own curves alone under TLS 1.2', async () => {
  const withGroups = (ecdhCurve: string) => settle({ ...offer('High192'), maxVersion: 'TLSv1.2', ecdhCurve })
  expect((await withGroups('X25519:P-256:P-384'))?.group).toBe('P-384')
  expect((await withGroups('P-521:P-384'))?.group).toBe('P-384')
  expect(await withGroups('X25519:P-256')).toBeUndefined()
})

test('the log tells the group that the client knows of, whatever it offers', async () => {
  const offers = ['P-256', 'P-384:X25519', 'X25519:P-256', 'X25519MLKEM768:X25519', 'P-521:P-256']
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const ecdhCurve of offers) {
      await using client = await connectTls({
        ...offer('Backward'),
        minVersion: version,
        maxVersion: version,
        ecdhCurve,
      })
      expect(await client.request('?')).toBe('?')
      client.socket.end()
      expect((await engine.closeLine(client.origin))['group'], `${version} ${ecdhCurve}`).toBe(client.group)
    }
  // Nothing was exchanged by a group when RSA carried the secret, though the client had groups to offer.
  const ciphers = 'ECDHE-ECDSA-AES256-CCM8:AES128-GCM-SHA256:@SECLEVEL=0'
  await using client = await connectTls({ ...offer('Backward'), maxVersion: 'TLSv1.2', ciphers })
  client.socket.end()
  const line = await engine.closeLine(client.origin)
  expect(line).toMatchObject({ cipher: 'TLS_RSA_WITH_AES_128_GCM_SHA256' })
  expect(line['group']).toBeUndefined()
})

/** The least strength of each level: keys it serves, and keys that cost the host its service. */
const KEYS: Readonly<
  Record<string, readonly [Level, served: readonly TestKeyType[], refused: readonly TestKeyType[]]>
> = {
  'Backward serves RSA 1024': ['Backward', ['RSA-1024', 'RSA-2048', 'EC P-256'], []],
  'High serves RSA 2048, not less': ['High', ['RSA-2048', 'EC P-256'], ['RSA-1024']],
  'Tls12Only serves RSA 2048, not less': ['Tls12Only', ['RSA-2048', 'EC P-256'], ['RSA-1024']],
  'Tls13Only serves RSA 2048, not less': ['Tls13Only', ['RSA-2048', 'EC P-256'], ['RSA-1024']],
  'PostQuantum serves RSA 2048, not less': ['PostQuantum', ['RSA-2048', 'EC P-256'], ['RSA-1024']],
  'High128 serves RSA 3072 and P-256, not less': ['High128', ['RSA-3072', 'EC P-256'], ['RSA-1024', 'RSA-2048']],
  'High192 serves P-384, not P-256 or RSA 4096': [
    'High192',
    ['EC P-384', 'EC P-521'],
    ['RSA-2048', 'RSA-3072', 'RSA-4096', 'EC P-256'],
  ],
}

for (const [sentence, [level, served, refused]] of Object.entries(KEYS))
  test(sentence, { timeout: 60_000 }, async () => {
    const tagOf = (keyType: TestKeyType) => keyType.replace(' ', '-').toLowerCase()
    const keyTypes = Object.fromEntries([...served, ...refused].map((keyType) => [tagOf(keyType), keyType]))
    const hosts = Object.keys(keyTypes).map((hostTag) => host({ hostTag, securityLevel: level }))
    await using own = await startTlsEngine(hosts, { keyTypes })
    for (const keyType of served) {
      const found = await settle({ port: own.port, servername: `${tagOf(keyType)}.test` })
      expect(found, keyType).toBeDefined()
    }
    for (const keyType of refused) {
      const { code, line } = await own.refusal({ servername: `${tagOf(keyType)}.test` })
      expect(code).toMatch(/HANDSHAKE_FAILURE/)
      expect(line).toMatchObject({ host: tagOf(keyType), reason: 'NoCertificate' })
    }
    const { icsHosts } = await own.status()
    expect(icsHosts.map(({ grade }) => grade === 'OK' || grade === 'Warn')).toEqual(
      [...served, ...refused].map((keyType) => served.includes(keyType)),
    )
  })
