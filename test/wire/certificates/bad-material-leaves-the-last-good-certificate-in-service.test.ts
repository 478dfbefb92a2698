import { createPrivateKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { createAuthority, createSelfSigned, type Issued, type IssueOptions } from '../../support/certificates.ts'
import { sha256 } from '../../support/digest.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import type { Part } from '../../support/manifest.ts'
import type { Files } from '../../support/workspace.ts'

const DAY = 86_400_000
const root = createAuthority()
const intermediate = root.intermediate()
const stranger = root.intermediate()
const issue = (options: IssueOptions = {}): Issued => intermediate.issue({ names: ['a.test'], ...options })
const files = (cert: string | Buffer, key: string | Buffer): Files => ({ 'tls.crt': cert, 'tls.key': key })
const whole = ({ certPem, keyPem }: Issued): Files => files(certPem + intermediate.chainPem, keyPem)

const messagesOf = (host: Part | undefined) => (host?.['messages'] ?? []) as readonly string[]

const good = issue()
const other = issue()
const withPassphrase = String(
  createPrivateKey(good.keyPem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
)

/** What is written into the Secret, and the message for it: entry, cause and cure. */
const BAD: Readonly<Record<string, readonly [Files, RegExp]>> = {
  garbage: [files('garbage', 'garbage'), /Secret "a": tls\.crt holds no PEM text; put PEM text into it/],
  'noise in PEM lines': [
    files('-----BEGIN CERTIFICATE-----\nbm9pc2U=\n-----END CERTIFICATE-----\n', good.keyPem),
    /Secret "a": tls\.crt: certificate 1 cannot be read: .*; write the whole file again/,
  ],
  'an empty certificate file': [files('', good.keyPem), /Secret "a": tls\.crt is empty; put PEM text into it/],
  'a key of another certificate': [
    files(other.certPem + intermediate.chainPem, good.keyPem),
    /Secret "a": tls\.key does not belong to tls\.crt; put the key of the certificate with SHA-256 [0-9a-f]{64} into/,
  ],
  'a key with a passphrase': [
    files(other.certPem + intermediate.chainPem, withPassphrase),
    /Secret "a": tls\.key is protected by a passphrase; remove it: openssl pkey/,
  ],
  'a certificate that expired': [
    whole(issue({ notBefore: new Date(Date.now() - 90 * DAY), notAfter: new Date(Date.now() - 2 * DAY) })),
    /Secret "a": tls\.crt: the certificate "CN=a\.test" expired at \S+, 2 days ago; renew it/,
  ],
  'a certificate that is not valid yet': [
    whole(issue({ notBefore: new Date(Date.now() + 3 * DAY) })),
    /Secret "a": tls\.crt: the certificate "CN=a\.test" is not valid before \S+, in \d days?; check the clock/,
  ],
  'a certificate for other names': [
    whole(issue({ names: ['b.test', 'c.test'] })),
    /Secret "a": tls\.crt covers no name of the host: it is for "b\.test", "c\.test"; order a certificate for "a\.test"/,
  ],
  'a certificate without its intermediate': [
    files(other.certPem, other.keyPem),
    /Secret "a": tls\.crt.* (lacks|intermediate).*; append /,
  ],
  'a certificate with another intermediate': [
    files(other.certPem + stranger.chainPem, other.keyPem),
    /Secret "a": tls\.crt.*intermediate.*; (append|replace) /,
  ],
  'a chain that is cut off': [
    files((other.certPem + intermediate.chainPem).slice(0, -200), other.keyPem),
    /Secret "a": tls\.crt: certificate 2 cannot be read: it is cut off: its END line is missing; write the whole file/,
  ],
  'a key that is cut off': [
    files(other.certPem + intermediate.chainPem, other.keyPem.slice(0, 100)),
    /Secret "a": tls\.key .*(cut off|cannot be read|damaged).*; /,
  ],
  'a key too weak for the level': [
    whole(issue({ keyType: 'RSA-1024' })),
    /Secret "a": tls\.crt: the certificate "CN=a\.test" .*RSA 1024.*; order /,
  ],
  'a certificate for clients': [
    whole(issue({ client: true })),
    /Secret "a": tls\.crt: the extended key usage .*serverAuth/,
  ],
  'no key': [
    { 'tls.crt': other.certPem + intermediate.chainPem },
    /Secret "a": tls\.key is missing; put the private key/,
  ],
}

test('each kind of bad material is refused with its cure, and the last good certificate serves on', {
  timeout: 120_000,
}, async () => {
  await using edge = await startEdge({
    hosts: [{}, { hostTag: 'b' }],
    prepare: (workspace) => workspace.mountSecret('a', whole(good)),
  })
  const served = async () => {
    await using client = await edge.connect({ ca: root.rootPem })
    expect(await client.request('hello')).toBe('hello')
    return client.serverSha256
  }
  await using kept = await edge.connect({ ca: root.rootPem })
  let last = good
  for (const [kind, [bad, message]] of Object.entries(BAD)) {
    await edge.workspace.mountSecret('a', { ...bad })
    const host = await eventually(async () => {
      const [first, second] = (await edge.engine.status()).icsHosts
      const text = messagesOf(first).join('\n')
      if (!message.test(text)) throw new Error(`${kind}: the messages are ${text}`)
      expect(second).toMatchObject({ hostTag: 'b', grade: 'OK', messages: [] })
      return first
    })
    expect([kind, host]).toMatchObject([
      kind,
      { grade: 'Warn', certificates: [{ lastKnownGood: true, grade: 'Warn' }] },
    ])
    for (const text of messagesOf(host)) {
      expect(text).toMatch(/^Secret "a"/)
      expect(text).toMatch(/; the last good certificate is still served$/)
    }
    expect([kind, await served()]).toEqual([kind, sha256(last.certificate.raw)])
    expect(await kept.request('still here')).toBe('still here')

    last = issue()
    await edge.workspace.mountSecret('a', whole(last))
    await eventually(async () => expect([kind, await served()]).toEqual([kind, sha256(last.certificate.raw)]))
    expect((await edge.engine.status()).icsHosts).toMatchObject([
      { grade: 'OK', messages: [], certificates: [{ lastKnownGood: false, grade: 'OK' }] },
      {},
    ])
  }
  const refused = edge.engine.lines.filter((line) => line.message === 'certificate refused')
  expect(refused.length).toBeGreaterThanOrEqual(Object.keys(BAD).length)
  for (const line of refused) expect(line).toMatchObject({ host: 'a', secret: 'a', lastKnownGood: true })
})

test('a Secret that is taken away leaves its certificate in service, and says so', async () => {
  await using edge = await startEdge({
    hosts: [{}],
    prepare: (workspace) => workspace.mountSecret('a', whole(good)),
  })
  await edge.workspace.removeSecret('a')
  await eventually(async () => {
    const [host] = (await edge.engine.status()).icsHosts
    expect(host).toMatchObject({ grade: 'Warn', certificates: [{ lastKnownGood: true }] })
    expect(String(host?.['messages'])).toMatch(/^Secret "a" is missing: .*create the Secret/)
  })
  await using client = await edge.connect({ ca: root.rootPem })
  expect(client.serverSha256).toBe(sha256(good.certificate.raw))
})

test('a certificate that signs itself is taken when nothing else is there', async () => {
  const own = createSelfSigned({ names: ['a.test'], isCa: false })
  await using edge = await startEdge({
    hosts: [{}],
    prepare: (workspace) => workspace.mountSecret('a', files(own.certPem, own.keyPem)),
  })
  await using client = await edge.connect({ ca: own.certPem })
  expect(client.serverSha256).toBe(sha256(own.certificate.raw))
})
