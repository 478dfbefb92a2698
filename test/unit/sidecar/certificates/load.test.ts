import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Entry, type LoadResult, loadSecret, type SecretEntries } from '../../../../sidecar/certificates/load.ts'
import { createAuthority, createKey, pemOf } from '../../../support/certificates.ts'

const NOW = Date.now()
const root = createAuthority({ name: 'Root' })
const shop = root.issue({ names: ['shop.test'] })
const other = root.issue({ names: ['other.test'] })
const rsa = root.issue({ names: ['shop.test'], keyType: 'RSA-2048' })
const key = createPrivateKey(shop.keyPem)

type Content = string | Uint8Array | Entry | undefined

const entry = (content: Content): Entry => {
  if (content === undefined) return { kind: 'missing' }
  if (typeof content === 'string') return { kind: 'bytes', bytes: Buffer.from(content) }
  return content instanceof Uint8Array ? { kind: 'bytes', bytes: content } : content
}

const load = (crt: Content, tlsKey: Content, ca?: Content): LoadResult => {
  const entries: SecretEntries = { 'tls.crt': entry(crt), 'tls.key': entry(tlsKey), 'ca.crt': entry(ca) }
  return loadSecret(entries, NOW)
}

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
// The start of every PKCS#12 file: SEQUENCE { INTEGER 3, SEQUENCE { ... } }.
const pkcs12 = Buffer.from('300f020103300a06082a864886f70d0107', 'hex')
const pkcs7 = Buffer.from('300d06092a864886f70d010702a000', 'hex')
const passphrase = { cipher: 'aes-256-cbc', passphrase: 'secret' } as const
const encryptedPkcs8 = key.export({ type: 'pkcs8', format: 'pem', ...passphrase }).toString()
const encryptedLegacy = key.export({ type: 'sec1', format: 'pem', ...passphrase }).toString()
const request = '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n'
const openssh = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n'
const publicKey = '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n'

const UNUSABLE: Record<string, [crt: Content, key: Content, messages: string[]]> = {
  'both missing': [
    undefined,
    undefined,
    [
      'tls.crt is missing; put the certificate and its intermediates into it, as PEM',
      'tls.key is missing; put the private key of the certificate into it, as PEM without a passphrase',
    ],
  ],
  'tls.crt empty': ['', shop.keyPem, ['tls.crt is empty; put PEM text into it']],
  'tls.crt blank': [' \n\n', shop.keyPem, ['tls.crt is empty; put PEM text into it']],
  'tls.crt unreadable': [
    { kind: 'unreadable', problem: 'is a directory; put a file in its place' },
    shop.keyPem,
    ['tls.crt is a directory; put a file in its place'],
  ],
  'tls.crt in DER': [
    derOf(shop.certPem),
    shop.keyPem,
    [
      'tls.crt is a certificate in DER form, not PEM; convert it: openssl x509 -inform der -in tls.crt -out tls.crt.pem',
    ],
  ],
  'tls.crt a PKCS#12 file': [
    pkcs12,
    shop.keyPem,
    [
      'tls.crt is a PKCS#12 file (.pfx, .p12), not PEM; take it apart: openssl pkcs12 -in FILE -nokeys -out tls.crt; openssl pkcs12 -in FILE -nocerts -nodes -out tls.key',
    ],
  ],
  'tls.crt a PKCS#7 file': [
    pkcs7,
    shop.keyPem,
    [
      'tls.crt is a PKCS#7 file (.p7b), not PEM; convert it: openssl pkcs7 -inform der -print_certs -in tls.crt -out tls.crt.pem',
    ],
  ],
  'tls.crt binary': [
    Buffer.from([0, 1, 2, 0xff]),
    shop.keyPem,
    ['tls.crt is a binary file, not PEM; put PEM text into it'],
  ],
  'tls.crt other text': ['hello', shop.keyPem, ['tls.crt holds no PEM text; put PEM text into it']],
  'tls.crt in UTF-16': [utf16(shop.certPem), shop.keyPem, ['tls.crt is text in UTF-16; save it as UTF-8']],
  'tls.crt encoded twice': [
    Buffer.from(shop.certPem).toString('base64'),
    shop.keyPem,
    ['tls.crt is encoded in base64 twice; in a Secret, give PEM under stringData or encode it once under data'],
  ],
  'tls.crt without its BEGIN and END lines': [
    derOf(shop.certPem).toString('base64'),
    shop.keyPem,
    ['tls.crt lacks its BEGIN and END lines; PEM needs both around the base64 text'],
  ],
  'tls.crt with a damaged BEGIN line': [
    shop.certPem.replace('-----BEGIN', '--BEGIN').replace('-----END', '--END'),
    shop.keyPem,
    ['tls.crt has a damaged BEGIN line; it must begin with five dashes, as in -----BEGIN CERTIFICATE-----'],
  ],
  'tls.crt cut off': [
    shop.certPem.slice(0, 300),
    shop.keyPem,
    ['tls.crt: certificate 1 cannot be read: it is cut off: its END line is missing; write the whole file again'],
  ],
  'tls.crt cut off after the first certificate': [
    shop.certPem + other.certPem.slice(0, 300),
    shop.keyPem,
    ['tls.crt: certificate 2 cannot be read: it is cut off: its END line is missing; write the whole file again'],
  ],
  'tls.crt with a damaged text': [
    shop.certPem.replace(/\n(.{20})/, '\n????$1'),
    shop.keyPem,
    ['tls.crt: certificate 1 cannot be read: its text is damaged; write the whole file again'],
  ],
  'tls.crt a certificate request': [
    request,
    shop.keyPem,
    ['tls.crt holds a certificate request; have a CA sign it and put the certificate it returns into tls.crt'],
  ],
  'the files swapped': [
    shop.keyPem,
    shop.certPem,
    [
      'tls.crt holds a private key and no certificate; put the key into tls.key and the certificate into tls.crt',
      'tls.key holds a certificate and no private key; put the private key of the certificate into it',
    ],
  ],
  'tls.key missing': [
    shop.certPem,
    undefined,
    ['tls.key is missing; put the private key of the certificate into it, as PEM without a passphrase'],
  ],
  'tls.key missing and the key in tls.crt': [
    shop.certPem + shop.keyPem,
    undefined,
    ['tls.key is missing and tls.crt holds a private key; move the key from tls.crt into tls.key'],
  ],
  'tls.key with a passphrase, PKCS#8': [
    shop.certPem,
    encryptedPkcs8,
    ['tls.key is protected by a passphrase; remove it: openssl pkey -in tls.key -out tls.key.plain'],
  ],
  'tls.key with a passphrase, the old form': [
    shop.certPem,
    encryptedLegacy,
    ['tls.key is protected by a passphrase; remove it: openssl pkey -in tls.key -out tls.key.plain'],
  ],
  'tls.key in DER': [
    shop.certPem,
    derOf(shop.keyPem),
    [
      'tls.key is a private key in DER form, not PEM; convert it: openssl pkey -inform der -in tls.key -out tls.key.pem',
    ],
  ],
  'tls.key cut off': [
    shop.certPem,
    shop.keyPem.slice(0, 100),
    ['tls.key is cut off: the END line of its private key is missing; write the whole file'],
  ],
  'tls.key garbage in PEM': [
    shop.certPem,
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    [
      'tls.key holds a private key that cannot be read; its text is damaged, or of a type that TLS does not know; write the file again',
    ],
  ],
  'tls.key a public key': [
    shop.certPem,
    publicKey,
    ['tls.key holds a public key; put the private key of the certificate into it'],
  ],
  'tls.key a key of SSH': [
    shop.certPem,
    openssh,
    [
      'tls.key is a key for SSH; order the certificate with a key made by: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    ],
  ],
  'tls.key of another certificate': [
    shop.certPem,
    other.keyPem,
    [
      `tls.key does not belong to tls.crt; put the key of the certificate with SHA-256 ${shop.certificate.fingerprint256.replaceAll(':', '').toLowerCase()} into tls.key, or order the certificate again`,
    ],
  ],
  'tls.key of another type': [
    rsa.certPem,
    shop.keyPem,
    [expect.stringContaining('tls.key does not belong to tls.crt')],
  ],
}

describe('a Secret is unusable with', () => {
  test.each(Object.entries(UNUSABLE))('%s', (_, [crt, tlsKey, messages]) => {
    expect(load(crt, tlsKey)).toEqual({ kind: 'unusable', messages })
  })
})

const warning = (message: string) => ({ severity: 'warning', message })

const LOADED: Record<string, [crt: Content, key: Content, ca: Content, findings: unknown[]]> = {
  'a certificate and its key': [shop.certPem, shop.keyPem, undefined, []],
  'a key in SEC1': [shop.certPem, key.export({ type: 'sec1', format: 'pem' }).toString(), undefined, []],
  'a key in PKCS#1': [
    rsa.certPem,
    createPrivateKey(rsa.keyPem).export({ type: 'pkcs1', format: 'pem' }).toString(),
    undefined,
    [],
  ],
  'EC parameters before the key': [
    shop.certPem,
    `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${shop.keyPem}`,
    undefined,
    [],
  ],
  'text around the blocks and Windows line ends': [
    `Bag Attributes\r\n${shop.certPem.replaceAll('\n', '\r\n')}more`,
    `\uFEFF${shop.keyPem}`,
    undefined,
    [],
  ],
  'several keys, one of them right': [shop.certPem, other.keyPem + shop.keyPem, undefined, []],
  'an empty ca.crt, as cert-manager writes it': [shop.certPem, shop.keyPem, '', []],
  'its CA in ca.crt': [shop.certPem, shop.keyPem, root.cert, []],
  'a ca.crt that holds no PEM': [
    shop.certPem,
    shop.keyPem,
    'hello',
    [warning('ca.crt holds no PEM text; put PEM text into it')],
  ],
  'the key in tls.crt as well': [
    shop.certPem + shop.keyPem,
    shop.keyPem,
    undefined,
    [warning('tls.crt holds a private key besides the certificate; remove it there, tls.crt is public')],
  ],
}

describe('a Secret loads with', () => {
  test.each(Object.entries(LOADED))('%s', (_, [crt, tlsKey, ca, findings]) => {
    const result = load(crt, tlsKey, ca)
    expect(result).toMatchObject({ kind: 'material' })
    if (result.kind !== 'material') return
    expect(result.material.findings).toEqual(findings)
    expect(result.material.certPem).not.toContain('PRIVATE')
    expect(result.material.certPem.trim()).toBe((crt === rsa.certPem ? rsa : shop).certPem.trim())
    expect(result.material.keyPem).toBe(crt === rsa.certPem ? rsa.keyPem : shop.keyPem)
  })

  test('key families that a server shows side by side', () => {
    const family = (issued: { certPem: string; keyPem: string }) => {
      const result = load(issued.certPem, issued.keyPem)
      return result.kind === 'material' ? result.material.keyFamily : result.messages
    }
    expect(family(shop)).toBe('EC')
    expect(family(root.issue({ names: ['a.test'], keyType: 'EC P-521' }))).toBe('EC')
    expect(family(rsa)).toBe('RSA')
    expect(family(root.issue({ names: ['a.test'], keyType: 'Ed25519' }))).toBe('Ed25519')
  })
})

test('of two certificates of one key the one within its dates is served', () => {
  const same = createKey()
  const old = root.issue({
    names: ['shop.test'],
    key: same,
    notBefore: new Date(NOW - 9e8),
    notAfter: new Date(NOW - 1e6),
  })
  const young = root.issue({ names: ['shop.test'], key: same })
  const result = load(old.certPem + young.certPem, pemOf(same))
  expect(result.kind === 'material' && result.material.leaf.facts.sha256).toBe(
    young.certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  )
})
