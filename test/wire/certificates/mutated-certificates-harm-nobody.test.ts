import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { runCommand } from '../../support/command.ts'
import { startEngine } from '../../support/engine-process.ts'
import { host, listener, socketServer } from '../../support/manifest.ts'
import { freePort } from '../../support/ports.ts'
import { connectTls } from '../../support/tls-client.ts'
import { createWorkspace, type Files } from '../../support/workspace.ts'

/** As many as one manifest has room for, beside a good one; twice that makes the thousand. */
const HOSTS = 500

const root = createAuthority()
const middle = root.intermediate()
const good = middle.issue({ names: ['good.test'] })
const chain = good.certPem + middle.chainPem

const toPem = (der: Buffer, label: string) =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

const octet = fc.nat({ max: 255 })
const changes = fc.array(fc.tuple(fc.nat({ max: 4_000 }), octet), { minLength: 1, maxLength: 4 })

const changed = (bytes: Buffer, list: readonly (readonly [number, number])[]): Buffer => {
  const copy = Buffer.from(bytes)
  for (const [at, byte] of list) copy[at % copy.length] = byte
  return copy
}

/** DER that is mutated and wrapped again gets past the PEM reader; PEM that is mutated or cut does not always get there. */
const certificate = fc.oneof(
  changes.map((list) => toPem(changed(good.certificate.raw, list), 'CERTIFICATE') + middle.chainPem),
  changes.map((list) => good.certPem + toPem(changed(middle.certificate.raw, list), 'CERTIFICATE')),
  changes.map((list) => changed(Buffer.from(chain), list)),
  fc.nat({ max: chain.length - 1 }).map((length) => chain.slice(0, length)),
  fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
)
const key = fc.oneof(
  { weight: 3, arbitrary: fc.constant(good.keyPem) },
  {
    weight: 1,
    arbitrary: changes.map((list) => {
      const der = good.privateKey.export({ type: 'pkcs8', format: 'der' })
      return toPem(changed(der, list), 'PRIVATE KEY')
    }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
)
const secret = fc.record({ 'tls.crt': certificate, 'tls.key': key })

test.each([1, 2])(
  'five hundred mutated Secrets are judged one by one, and none harms the host beside them (round %i)',
  { timeout: 120_000 },
  async (round) => {
    const seed = Date.now() + round
    const secrets = fc.sample(secret, { numRuns: HOSTS, seed }) as Files[]
    await using workspace = await createWorkspace()
    const tags = secrets.map((_, index) => `bad-${index}`)
    for (const [index, files] of secrets.entries()) await workspace.copySecret(`bad-${index}`, files)
    await workspace.copySecret('good', { 'tls.crt': chain, 'tls.key': good.keyPem })
    const port = await freePort()
    const names = tags.map((hostTag) => host({ hostTag, hostNames: [`${hostTag}.test`] }))
    const manifest = socketServer({ listeners: [listener({ port })], icsHosts: [host({ hostTag: 'good' }), ...names] })
    await workspace.writeManifest(manifest)

    const judged = await runCommand(['validate', workspace.manifest, '--secrets', workspace.secrets], {
      withinMs: 60_000,
    })
    expect([seed, judged.code, judged.signal, judged.stderr]).toEqual([seed, 1, null, ''])
    for (const tag of tags) expect(judged.stdout).toContain(`Host ${tag}: `)
    expect(judged.stdout).toContain('Host good: certificate OK')
    // No parser's own words steer a terminal or show a stack.
    expect(judged.stdout).not.toMatch(/[^\n\x20-\x7e\u00a0-\uffff]|^ +at /m)

    const { secrets: directory } = workspace
    await using engine = await startEngine({ manifest, secrets: directory, readyWithinMs: 60_000 })
    await using client = await connectTls({ port, servername: 'good.test', ca: root.rootPem })
    expect(await client.request('hello')).toBe('hello')
    expect((await engine.metrics()).sum('socketserver_defects_total')).toBe(0)
    expect((await engine.status()).icsHosts.length).toBe(HOSTS + 1)
  },
)
