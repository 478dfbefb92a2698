import { expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { connectTls, refusalOf } from '../../support/tls-client.ts'

const authority = createAuthority()

test('a host without a certificate refuses its clients with an alert, others go on, and it serves once there is one', async () => {
  await using edge = await startEdge({
    hosts: [{}, { hostTag: 'b' }],
    prepare: (workspace) => workspace.removeSecret('b'),
  })
  const b = { port: edge.port, servername: 'b.test', ca: authority.rootPem }
  await using neighbour = await edge.connect()
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    expect(await refusalOf({ ...b, maxVersion })).toMatch(/ALERT_HANDSHAKE_FAILURE$/)
  const line = await edge.engine.waitForLog((one) => one.message === 'client closed' && one['host'] === 'b')
  expect(line).toMatchObject({ reason: 'NoCertificate', serverName: 'b.test' })
  expect((await edge.engine.status()).icsHosts).toMatchObject([
    { hostTag: 'a', grade: 'OK' },
    { hostTag: 'b', grade: 'None', certificates: [], messages: [expect.stringMatching(/^Secret "b" is missing/)] },
  ])
  // It is fit to get clients all the same: the other host is in service.
  expect((await edge.engine.admin('/readyz')).code).toBe(200)
  expect(await neighbour.request('hello')).toBe('hello')

  const { certPem, keyPem } = authority.issue({ names: ['b.test'] })
  await edge.workspace.mountSecret('b', { 'tls.crt': certPem, 'tls.key': keyPem })
  await eventually(async () => {
    await using client = await connectTls(b)
    expect(await client.request('served')).toBe('served')
  })
  expect((await edge.engine.status()).icsHosts).toMatchObject([{}, { grade: 'OK', messages: [] }])
  expect(await neighbour.request('hello')).toBe('hello')
})

test('a server none of whose hosts has a certificate starts, refuses, and heals without a restart', async () => {
  await using edge = await startEdge({
    hosts: [{}],
    prepare: (workspace) => workspace.removeSecret('a'),
  })
  const options = { port: edge.port, servername: 'a.test', ca: authority.rootPem }
  expect(await refusalOf(options)).toMatch(/ALERT_HANDSHAKE_FAILURE$/)
  const { certPem, keyPem } = authority.issue({ names: ['a.test'] })
  await edge.workspace.copySecret('a', { 'tls.crt': certPem, 'tls.key': keyPem })
  await eventually(async () => {
    await using client = await connectTls(options)
    expect(await client.request('served')).toBe('served')
  })
})
