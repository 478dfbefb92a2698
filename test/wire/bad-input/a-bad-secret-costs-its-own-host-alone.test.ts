import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { startChild } from '../../support/child.ts'
import { runCommand } from '../../support/command.ts'
import { within } from '../../support/deadline.ts'
import { startEngine } from '../../support/engine-process.ts'
import { host, listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { commandLine } from '../../support/runtime.ts'
import { connectTls, refusalOf } from '../../support/tls-client.ts'
import { createWorkspace, type Files } from '../../support/workspace.ts'

const authority = createAuthority()
const good = authority.issue({ names: ['good.test'] })
const bad = authority.issue({ names: ['bad.test'] })
const other = authority.issue({ names: ['bad.test'] })
const der = (pem: string) => new X509Certificate(pem).raw
const files = (cert: string | Buffer, key: string | Buffer): Files => ({ 'tls.crt': cert, 'tls.key': key })

type Case = {
  readonly files: Files | undefined
  /** The message in /status and of validate: Secret, entry, cause and cure. */
  readonly message: RegExp
}
const REFUSED: Readonly<Record<string, Case>> = {
  'a Secret that is missing': { files: undefined, message: /"?bad"?.*(missing|not exist)/ },
  'a Secret without a key': { files: { 'tls.crt': bad.certPem }, message: /tls\.key is missing; put / },
  'a key with a passphrase': {
    files: files(
      bad.certPem,
      String(
        createPrivateKey(bad.keyPem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      ),
    ),
    message: /tls\.key is protected by a passphrase; remove it: openssl pkey/,
  },
  'a key of another certificate': {
    files: files(bad.certPem, other.keyPem),
    message: /tls\.key does not belong to tls\.crt; put /,
  },
  'a certificate in DER form': {
    files: files(der(bad.certPem), bad.keyPem),
    message: /tls\.crt is a certificate in DER form, not PEM; convert it: openssl x509/,
  },
  'a key in DER form': {
    files: files(bad.certPem, createPrivateKey(bad.keyPem).export({ type: 'pkcs8', format: 'der' })),
    message: /tls\.key is a private key in DER form, not PEM; convert it: openssl pkey/,
  },
  'a binary file': {
    files: files(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), bad.keyPem),
    message: /tls\.crt is a binary file/,
  },
  'a certificate that is cut off': {
    files: files(bad.certPem.slice(0, 200), bad.keyPem),
    message: /tls\.crt.* cut off/,
  },
  'an empty file': { files: files('', bad.keyPem), message: /tls\.crt is empty; put / },
}

/** The hosts `good` and `bad`, each with the Secret of its name. */
const twoHosts = (port: number) =>
  socketServer({ listeners: [listener({ port })], icsHosts: [host({ hostTag: 'good' }), host({ hostTag: 'bad' })] })

describe.each(Object.entries(REFUSED))('%s', (_name, { files: content, message }) => {
  test('is told with its cure, refuses the clients of its host, and harms no other', async () => {
    await using workspace = await createWorkspace()
    await workspace.copySecret('good', files(good.certPem, good.keyPem))
    if (content !== undefined) await workspace.copySecret('bad', content)
    const port = await freePort()
    await using engine = await startEngine({ manifest: twoHosts(port), secrets: workspace.secrets })

    await using client = await connectTls({ port, ca: authority.cert, servername: 'good.test' })
    expect(await client.request('hello')).toBe('hello')
    await refusalOf({ port, servername: 'bad.test' })
    const { icsHosts } = await engine.status()
    expect(icsHosts).toMatchObject([
      { hostTag: 'good', grade: 'OK', messages: [] },
      { hostTag: 'bad', certificates: [] },
    ])
    const messages = icsHosts[1]?.['messages'] as string[]
    expect(messages.join('\n')).toMatch(message)
    expect(messages.join('\n')).toContain('bad')
    const closed = { host: 'bad', reason: 'NoCertificate' }
    expect((await engine.metrics()).sum('socketserver_connections_closed_total', closed)).toBe(1)
  })

  test('is found by validate --secrets: exit code 1', async () => {
    await using workspace = await createWorkspace()
    await workspace.copySecret('good', files(good.certPem, good.keyPem))
    if (content !== undefined) await workspace.copySecret('bad', content)
    await workspace.writeManifest(twoHosts(8443))
    const { code, stdout, stderr } = await runCommand(['validate', workspace.manifest, '--secrets', workspace.secrets])
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(message)
    expect(stdout).toMatch(/^ {2}Host good: certificate OK, EC P-256 from Secret good, until /m)
    expect(stdout).toMatch(/^ {2}spec\.icsHosts\[1\]\.certificate: /m)
  })
})

test('a certificate file with the key in it is served, with a warning', async () => {
  await using workspace = await createWorkspace()
  await workspace.copySecret('good', files(good.certPem + good.keyPem, good.keyPem))
  await workspace.copySecret('bad', files(bad.keyPem + bad.certPem, bad.keyPem))
  await workspace.writeManifest(twoHosts(8443))
  const { code, stdout } = await runCommand(['validate', workspace.manifest, '--secrets', workspace.secrets])
  expect(code).toBe(0)
  expect(
    stdout.match(/warning: .*tls\.crt holds a private key besides the certificate; remove it there/g)?.length,
  ).toBe(2)
  const port = await freePort()
  await using engine = await startEngine({ manifest: twoHosts(port), secrets: workspace.secrets })
  await using client = await connectTls({ port, ca: authority.cert, servername: 'bad.test' })
  expect(await client.request('hello')).toBe('hello')
  expect((await engine.status()).icsHosts).toMatchObject([{ grade: 'Warn' }, { grade: 'Warn' }])
  expect(JSON.stringify(await engine.status())).not.toContain('PRIVATE')
})

test('nothing private is in /status, /metrics or the log', async () => {
  await using workspace = await createWorkspace()
  await workspace.copySecret('good', files(good.certPem, good.keyPem))
  const port = await freePort()
  await using engine = await startEngine({ manifest: twoHosts(port), secrets: workspace.secrets })
  await using client = await connectTls({ port, servername: 'good.test' })
  await client.request('hello')
  const body = good.keyPem.split('\n')[1] as string
  for (const path of ['/status', '/metrics', '/readyz', '/'])
    expect((await engine.admin(path)).body).not.toContain(body)
  expect(engine.text()).not.toContain(body)
})

test.skipIf(process.getuid?.() !== 0)('a key this user may not read is told with the cure', async () => {
  await using workspace = await createWorkspace()
  await workspace.copySecret('good', files(good.certPem, good.keyPem))
  await workspace.copySecret('bad', files(bad.certPem, bad.keyPem))
  await workspace.writeManifest(twoHosts(8443))
  await chmod(workspace.path, 0o755)
  await chmod(join(workspace.secrets, 'bad/tls.key'), 0o600)
  const child = await startChild([...commandLine(), 'validate', workspace.manifest, '--secrets', workspace.secrets], {
    uid: 65_534,
    gid: 65_534,
  })
  const { stdout } = child.process
  if (stdout === null) throw new Error('the pipe is missing')
  const [exit, out] = await within(20_000, 'the end', Promise.all([child.exited, text(stdout)]))
  expect(exit).toEqual({ code: 1, signal: null })
  expect(out).toMatch(/Secret "bad": tls\.key cannot be read: .*; let that user or its group read it/)
  expect(out).toMatch(/Host good: certificate OK/)
})
