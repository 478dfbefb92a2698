import { join } from 'node:path'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { greet, startBackend } from '../../support/backend.ts'
import { createAuthority, type Issued } from '../../support/certificates.ts'
import { type Edge, type EdgeOptions, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { forward, type Part } from '../../support/manifest.ts'
import { createWorkspace } from '../../support/workspace.ts'

const internal = createAuthority()
const stranger = createAuthority()
const DAY = 86_400_000

const good = internal.issue({ names: ['shop.internal'] })
const byAddress = internal.issue({ names: ['127.0.0.1'] })
const misnamed = internal.issue({ names: ['other.internal'] })
const strange = stranger.issue({ names: ['shop.internal'] })
const expired = internal.issue({
  names: ['shop.internal'],
  notBefore: new Date(Date.now() - 9 * DAY),
  notAfter: new Date(Date.now() - DAY),
})

const material = ({ certPem: cert, keyPem: key }: Issued) => ({ cert, key })
const caRef = { kind: 'ConfigMap', name: 'internal', key: 'ca.crt' }
const NAMED = { serverName: 'shop.internal', caRef }

const startSecure = (certificate: Issued, options: TlsOptions = {}) =>
  startBackend(greet('served'), { tls: { ...material(certificate), ...options } })

const startReEncrypting = (backends: readonly Part[], tls: Part, more: Partial<EdgeOptions> = {}) =>
  startEdge({
    hosts: [{ handler: forward(backends, { tls }) }],
    prepare: (workspace) => workspace.copyConfigMap('internal', { 'ca.crt': internal.cert }),
    ...more,
  })

/** What the next client hears; empty when it is closed without a word. */
async function words(edge: Edge): Promise<string> {
  await using client = await edge.connect()
  return (await client.bytes(6, 10_000).catch(() => '')).toString()
}

describe('a backend is trusted', () => {
  test('with a certificate of the CA for the server name, which is sent to it', async () => {
    await using backend = await startSecure(good)
    await using edge = await startReEncrypting([backend.backend], NAMED)
    expect(await words(edge)).toBe('served')
    const socket = backend.connections[0]?.socket as TLSSocket & { readonly servername: string }
    expect(socket.servername).toBe('shop.internal')
  })

  test('by its own address when no server name is set', async () => {
    await using backend = await startSecure(byAddress)
    await using edge = await startReEncrypting([backend.backend], { caRef })
    expect(await words(edge)).toBe('served')
  })

  test('behind a UNIX socket', async () => {
    await using workspace = await createWorkspace()
    const path = join(workspace.path, 'backend.sock')
    await using backend = await startBackend(greet('served'), { path, tls: material(good) })
    await using edge = await startReEncrypting([backend.backend], NAMED)
    expect(await words(edge)).toBe('served')
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ backend: `unix:${path}` })
  })

  test('under a CA that comes at run time, once it is there and no more when it is another', async () => {
    await using backend = await startSecure(strange)
    await using edge = await startReEncrypting([backend.backend], NAMED)
    expect(await words(edge)).toBe('')
    await edge.workspace.copyConfigMap('internal', { 'ca.crt': stranger.cert })
    await eventually(async () => expect(await words(edge)).toBe('served'))
    await edge.workspace.copyConfigMap('internal', { 'ca.crt': internal.cert })
    await eventually(async () => expect(await words(edge)).toBe(''))
  })
})

const UNTRUSTED: Readonly<Record<string, [Issued, Part, RegExp]>> = {
  'has a certificate of another CA': [strange, NAMED, /unable to verify|self.signed|unable to get/i],
  'has a certificate for another name': [misnamed, NAMED, /other\.internal|altname|hostname/i],
  'has a certificate for a name and is reached by address': [good, { caRef }, /127\.0\.0\.1|altname/i],
  'has a certificate that expired': [expired, NAMED, /expired/i],
  'is checked by the CAs of the runtime, which do not know it': [
    good,
    { serverName: 'shop.internal' },
    /unable to verify|self.signed|unable to get/i,
  ],
}

test.each(Object.entries(UNTRUSTED))(
  'a backend that %s gets no byte of a client',
  async (_name, [certificate, tls, why]) => {
    await using backend = await startSecure(certificate)
    await using edge = await startReEncrypting([backend.backend], tls)
    expect(await words(edge)).toBe('')
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ reason: 'BackendUntrusted', host: 'a' })
    expect(line['detail']).toMatch(why)
    const closed = { reason: 'BackendUntrusted', host: 'a' }
    expect((await edge.engine.metrics()).sum('socketserver_connections_closed_total', closed)).toBe(1)
    for (const connection of backend.connections) expect(connection.receivedBytes).toBe(0)
  },
)

test('a host whose CA for backends is missing trusts no backend, and says what is missing', async () => {
  await using backend = await startSecure(good)
  await using edge = await startReEncrypting([backend.backend], NAMED, { prepare: async () => {} })
  expect(await words(edge)).toBe('')
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
  expect(line).toMatchObject({ reason: 'BackendUntrusted', detail: expect.stringContaining('ConfigMap "internal"') })
})

test('a backend that is not trusted does not take those beside it along', async () => {
  await using bad = await startSecure(strange)
  await using fine = await startSecure(good)
  await using edge = await startReEncrypting([bad.backend, fine.backend], NAMED)
  for (let i = 0; i < 4; i++) expect(await words(edge)).toBe('served')
})

describe('a backend that requires a client certificate', () => {
  const client = internal.issue({ commonName: 'edge', client: true })
  const demanding: TlsOptions = { requestCert: true, rejectUnauthorized: true, ca: internal.cert }
  const showing = { ...NAMED, clientSecretName: 'edge-client' }
  const files = ({ certPem, keyPem }: Issued) => ({ 'tls.crt': certPem, 'tls.key': keyPem })
  const prepareWith =
    (secret: Issued | undefined): EdgeOptions['prepare'] =>
    async (workspace) => {
      await workspace.copyConfigMap('internal', { 'ca.crt': internal.cert })
      if (secret) await workspace.mountSecret('edge-client', files(secret))
    }

  test('is shown that of clientSecretName', async () => {
    await using backend = await startSecure(good, demanding)
    await using edge = await startReEncrypting([backend.backend], showing, { prepare: prepareWith(client) })
    expect(await words(edge)).toBe('served')
    const socket = backend.connections[0]?.socket as TLSSocket
    expect(socket.getPeerX509Certificate()?.subject).toBe('CN=edge')
  })

  test('is shown the new one after a change, without a restart', async () => {
    await using backend = await startSecure(good, demanding)
    await using edge = await startReEncrypting([backend.backend], showing, { prepare: prepareWith(client) })
    expect(await words(edge)).toBe('served')
    await edge.workspace.mountSecret('edge-client', files(internal.issue({ commonName: 'successor', client: true })))
    await eventually(async () => {
      expect(await words(edge)).toBe('served')
      const socket = backend.connections.at(-1)?.socket as TLSSocket
      expect(socket.getPeerX509Certificate()?.subject).toBe('CN=successor')
    })
  })

  test('is not reached while the Secret is missing, and the log names the Secret', async () => {
    await using backend = await startSecure(good, demanding)
    await using edge = await startReEncrypting([backend.backend], showing, { prepare: prepareWith(undefined) })
    expect(await words(edge)).toBe('')
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ reason: 'BackendUntrusted', detail: expect.stringContaining('"edge-client"') })
    await edge.workspace.mountSecret('edge-client', files(client))
    await eventually(async () => expect(await words(edge)).toBe('served'))
  })

  test('refuses an engine without one, and the client is closed', async () => {
    await using backend = await startSecure(good, demanding)
    await using edge = await startReEncrypting([backend.backend], NAMED)
    expect(await words(edge)).toBe('')
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line['reason']).toMatch(/^Backend/)
  })
})
