import { describe, expect, test } from 'vitest'
import type { RedirectSpec } from '../../../../../crds/index.ts'
import { createRedirect } from '../../../../../sidecar/handlers/redirect/redirect.ts'
import { createAuthority } from '../../../../support/certificates.ts'
import { connectRaw } from '../../../../support/raw-client.ts'
import { connectTls } from '../../../../support/tls-client.ts'
import { serveClients } from '../serve-client.ts'

const clock = { now: () => Date.UTC(2026, 10, 1, 12) }
const redirect = (spec: Partial<RedirectSpec> = {}, requestMs = 10_000) =>
  createRedirect({ spec: { statusCode: 302, ...spec }, clock, requestMs })

/** What a client gets for these pieces, up to the end. */
async function answer(port: number, ...pieces: readonly string[]): Promise<string> {
  await using client = await connectRaw({ port })
  await client.send(pieces.map((piece) => Buffer.from(piece, 'latin1')))
  return (await client.toEnd()).toString('latin1')
}

test('the whole answer', async () => {
  await using server = await serveClients(redirect({ scheme: 'https', statusCode: 308 }))
  expect(await answer(server.port, 'GET /a?b HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n')).toBe(
    'HTTP/1.1 308 Permanent Redirect\r\nDate: Sun, 01 Nov 2026 12:00:00 GMT\r\nLocation: https://shop.example/a?b\r\n' +
      'Content-Length: 0\r\nConnection: close\r\n\r\n',
  )
  const { reason, backend, receivedBytes, sentBytes } = await server.nextRecord()
  expect({ reason, backend, receivedBytes, sentBytes }).toEqual({
    reason: 'Completed',
    backend: 'redirect',
    receivedBytes: 46,
    sentBytes: 146,
  })
})

test.each([
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
] as const)('status %i', async (statusCode, phrase) => {
  await using server = await serveClients(redirect({ statusCode }))
  expect(await answer(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toContain(
    `HTTP/1.1 ${statusCode} ${phrase}\r\n`,
  )
})

test('over TLS the scheme is https', async () => {
  const { certPem: cert, keyPem: key } = createAuthority().issue({ names: ['old.example'] })
  await using server = await serveClients(redirect({ hostname: 'www.example' }), { tls: { cert, key } })
  await using client = await connectTls({ port: server.port })
  client.socket.write('GET /x HTTP/1.1\r\nHost: old.example\r\n\r\n')
  expect((await client.toEnd()).toString()).toContain('\r\nLocation: https://www.example/x\r\n')
})

test('a head in pieces of one byte', async () => {
  await using server = await serveClients(redirect())
  const request = 'GET /a HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n'
  expect(await answer(server.port, ...request)).toContain('Location: http://a.example/a\r\n')
})

test('a body is not waited for, and does not turn the answer into a reset', async () => {
  await using server = await serveClients(redirect())
  const head = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n'
  expect(await answer(server.port, head + 'x'.repeat(300_000), 'y'.repeat(700_000))).toContain(
    'Location: http://a/a\r\n',
  )
})

test('only the first of several requests is answered', async () => {
  await using server = await serveClients(redirect())
  const request = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
  expect((await answer(server.port, request.repeat(3), request)).split('HTTP/1.1 302')).toHaveLength(2)
})

describe('a bad request', () => {
  test.each([
    ['GET / HTTP/1.1\r\n\r\n', '400 Bad Request', 'the request names no Host\n'],
    ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', '400 Bad Request', 'the Host is no host name\n'],
    ['hello\r\n\r\n', '400 Bad Request', 'the first line is no request line\n'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '505 HTTP Version Not Supported', 'only HTTP/1.0 and HTTP/1.1 are spoken\n'],
  ])('%j is told why', async (request, status, body) => {
    await using server = await serveClients(redirect())
    const [head = '', text = ''] = (await answer(server.port, request)).split(/(?<=\r\n\r\n)/)
    expect(head).toContain(`HTTP/1.1 ${status}\r\n`)
    expect(head).toContain(`Content-Length: ${body.length}\r\n`)
    expect(text).toBe(body)
    expect(await server.nextRecord()).toMatchObject({
      reason: 'Completed',
      detail: `HTTP ${status.slice(0, 3)}: ${body.trim()}`,
    })
  })

  test('HEAD gets no body', async () => {
    await using server = await serveClients(redirect())
    expect(await answer(server.port, 'HEAD / HTTP/1.1\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 .*Content-Length: 26\r\n.*\r\n\r\n$/s,
    )
  })

  test.each([16_384, 16_385])('a head of %i bytes', async (length) => {
    await using server = await serveClients(redirect())
    const start = 'GET / HTTP/1.1\r\nHost: a\r\nX: '
    const request = `${start}${'x'.repeat(length - start.length - 4)}\r\n\r\n`
    const status = length > 16_384 ? '431 Request Header Fields Too Large' : '302 Found'
    expect(await answer(server.port, request.slice(0, 9_000), request.slice(9_000))).toContain(`HTTP/1.1 ${status}\r\n`)
  })

  test('an endless line', async () => {
    await using server = await serveClients(redirect())
    expect(await answer(server.port, 'GET /'.padEnd(20_000, 'x'))).toContain('HTTP/1.1 431 ')
  })

  test('a head that ends too early', async () => {
    await using server = await serveClients(redirect())
    await using client = await connectRaw({ port: server.port })
    client.socket.end('GET / HTTP/1.1\r\n')
    expect((await client.toEnd()).toString()).toContain('HTTP/1.1 400 ')
  })
})

test('a client that says nothing, or never ends its head, is closed', async () => {
  await using server = await serveClients(redirect({}, 200))
  expect(await answer(server.port)).toBe('')
  expect(await answer(server.port, 'GET / HTTP/1.1\r\n', 'X: y\r\n')).toBe('')
  expect([(await server.nextRecord()).reason, (await server.nextRecord()).reason]).toEqual(['TooSlow', 'TooSlow'])
})

test('a client that leaves without a word is no defect', async () => {
  await using server = await serveClients(redirect())
  await using client = await connectRaw({ port: server.port })
  client.socket.end()
  expect((await client.toEnd()).length).toBe(0)
  expect(await server.nextRecord()).toMatchObject({ reason: 'Completed', detail: 'no request' })
})
