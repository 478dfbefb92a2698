import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { curl, curlMissing } from '../../support/curl.ts'
import { sha256 } from '../../support/digest.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'

const authority = createAuthority()
const redirect = { handler: { type: 'Redirect', redirect: { hostname: 'end.test' } } }

/** Hosts `a` with a Secret and `b` without one. */
const startSelfSigned = (): Promise<Edge> =>
  startEdge({
    hosts: [{}, { hostTag: 'b', hostNames: ['b.test', '*.b.test'], ...redirect }],
    prepare: (workspace) => workspace.removeSecret('b'),
    engine: { args: ['--self-signed'] },
  })

async function caPathOf(edge: Edge): Promise<string> {
  const line = await edge.engine.waitForLog((one) => typeof one['ca'] === 'string' && one.level === 'warn')
  expect(line.message).toMatch(/throwaway certificates.*development only/)
  return String(line['ca'])
}

test('with --self-signed a host without a Secret gets a certificate of a throwaway CA, and the log says so and where the CA is', async () => {
  await using edge = await startSelfSigned()
  const path = await caPathOf(edge)
  const ca = readFileSync(path, 'utf8')
  expect(ca).toContain('BEGIN CERTIFICATE')
  expect(ca).not.toContain('PRIVATE KEY')
  await using client = await edge.connect({ ca, servername: 'www.b.test' })
  expect(client.serverNames).toEqual(['b.test', '*.b.test'])
  // The host that has a Secret is served with it, and not with a throwaway certificate.
  await using proper = await edge.connect()
  expect(proper.serverNames).toEqual(['a.test'])
  expect((await edge.engine.status()).icsHosts).toMatchObject([
    { hostTag: 'a', grade: 'OK', messages: [] },
    {
      hostTag: 'b',
      grade: 'Warn',
      messages: [expect.stringMatching(/Secret "b" is missing: .*throwaway CA.*development only/)],
    },
  ])
})

test.skipIf(curlMissing)('curl --cacert with that path is satisfied, and without it is not', async () => {
  await using edge = await startSelfSigned()
  const path = await caPathOf(edge)
  const args = ['--resolve', `b.test:${edge.port}:127.0.0.1`, '-o', '/dev/null', '-w', '%{redirect_url}']
  const url = `https://b.test:${edge.port}/x`
  expect(await curl([...args, '--cacert', path, url])).toBe(`https://end.test:${edge.port}/x`)
  await expect(curl([...args, url])).rejects.toThrow(/certificate/i)
})

test('a Secret that comes takes the place of the throwaway certificate, and the CA goes with the process', async () => {
  await using edge = await startSelfSigned()
  const path = await caPathOf(edge)
  const { certPem, keyPem, certificate } = authority.issue({ names: ['b.test', '*.b.test'] })
  await edge.workspace.mountSecret('b', { 'tls.crt': certPem, 'tls.key': keyPem })
  await eventually(async () => {
    await using client = await edge.connect({ ca: authority.rootPem, servername: 'b.test' })
    expect(client.serverSha256).toBe(sha256(certificate.raw))
  })
  expect((await edge.engine.status()).icsHosts).toMatchObject([{}, { grade: 'OK', messages: [] }])
  expect(await edge.engine.stop()).toEqual({ code: 0, signal: null })
  expect(existsSync(path)).toBe(false)
})

test('a bad Secret is never covered by a throwaway certificate', async () => {
  await using edge = await startEdge({
    hosts: [{}, { hostTag: 'b' }],
    prepare: (workspace) => workspace.mountSecret('b', { 'tls.crt': 'garbage', 'tls.key': 'garbage' }),
    engine: { args: ['--self-signed'] },
  })
  await expect(edge.connect({ servername: 'b.test', ca: undefined })).rejects.toThrow(/alert handshake failure/)
  expect((await edge.engine.status()).icsHosts).toMatchObject([{}, { grade: 'Fail', certificates: [] }])
})
