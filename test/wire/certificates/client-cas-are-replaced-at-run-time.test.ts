import { describe, expect, test } from 'vitest'
import { createAuthority } from '../../support/certificates.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import { eventually } from '../../support/eventually.ts'
import { refusalOf } from '../../support/tls-client.ts'
import type { Files } from '../../support/workspace.ts'

const first = createAuthority({ name: 'First CA' })
const second = createAuthority({ name: 'Second CA' })
const clientOf = (authority: typeof first) => {
  const { certPem: cert, keyPem: key } = authority.issue({ commonName: 'alice', client: true })
  return { cert, key }
}
const ofFirst = clientOf(first)
const ofSecond = clientOf(second)

const KINDS = {
  ConfigMap: (edge: Pick<Edge, 'workspace'>, files: Files) => edge.workspace.copyConfigMap('clients-ca', files),
  Secret: (edge: Pick<Edge, 'workspace'>, files: Files) => edge.workspace.mountSecret('clients-ca', files),
} as const

async function isServed(edge: Edge, client: { cert: string; key: string }): Promise<boolean> {
  await using connection = await edge.connect(client).catch(() => undefined)
  if (connection === undefined) return false
  return await connection.request('hello').then(
    (text) => text === 'hello',
    () => false,
  )
}

describe.each(Object.entries(KINDS))('CAs of a %s', (kind, write) => {
  const start = () =>
    startEdge({
      hosts: [
        {
          clientCertificate: { method: 'Require', caRefs: [{ kind, name: 'clients-ca', key: 'ca.crt' }] },
        },
        { hostTag: 'b' },
      ],
      prepare: (workspace) => write({ workspace }, { 'ca.crt': first.cert }),
    })

  test('are replaced: from then on the clients of the new one are let in and those of the old one are not', async () => {
    await using edge = await start()
    expect([await isServed(edge, ofFirst), await isServed(edge, ofSecond)]).toEqual([true, false])
    await using kept = await edge.connect(ofFirst)
    expect(await kept.request('hello')).toBe('hello')

    await write(edge, { 'ca.crt': first.cert + second.cert })
    await eventually(async () => expect(await isServed(edge, ofSecond)).toBe(true))
    expect(await isServed(edge, ofFirst)).toBe(true)
    await write(edge, { 'ca.crt': second.cert })
    await eventually(async () => expect(await isServed(edge, ofFirst)).toBe(false))
    expect(await isServed(edge, ofSecond)).toBe(true)
    // Whoever was in before stays.
    expect(await kept.request('still here')).toBe('still here')
  })

  test('that cannot be used leave the last good ones in service, and nobody else is let in', async () => {
    await using edge = await start()
    for (const bad of ['garbage', '', first.cert.slice(0, 200)]) {
      const told = edge.engine.lines.length
      await write(edge, { 'ca.crt': bad })
      await eventually(() => {
        const line = edge.engine.lines.slice(told).find((one) => one.message === 'ca bundle has problems')
        expect(line).toMatchObject({ ca: `${kind}/clients-ca/ca.crt` })
        expect(String(line?.['messages'])).toMatch(/"clients-ca": ca\.crt.*; the last good CA certificates are still/)
      })
      expect([bad, await isServed(edge, ofFirst), await isServed(edge, ofSecond)]).toEqual([bad, true, false])
    }
  })
})

test('a host whose CAs are missing lets nobody in, and others go on', async () => {
  await using edge = await startEdge({
    hosts: [
      {
        clientCertificate: { method: 'Require', caRefs: [{ kind: 'ConfigMap', name: 'clients-ca', key: 'ca.crt' }] },
      },
      { hostTag: 'b' },
    ],
  })
  await refusalOf({ port: edge.port, servername: 'a.test', ...ofFirst })
  await using other = await edge.connect({ servername: 'b.test' })
  expect(await other.request('hello')).toBe('hello')
  await edge.workspace.copyConfigMap('clients-ca', { 'ca.crt': first.cert })
  await eventually(async () => expect(await isServed(edge, ofFirst)).toBe(true))
})
