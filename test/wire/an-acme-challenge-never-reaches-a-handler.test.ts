import { expect, test } from 'vitest'
import { echo, startBackend } from '../support/backend.ts'
import { createAuthority } from '../support/certificates.ts'
import { forward, host } from '../support/manifest.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine } from '../support/tls-engine.ts'

test('a hello for acme-tls/1 never reaches a handler, whatever the host offers', async () => {
  await using backend = await startBackend(echo)
  const handler = forward([backend.backend])
  await using engine = await startTlsEngine([
    host({ hostTag: 'quiet', handler }),
    host({ hostTag: 'web', handler, tls: { alpn: ['h2', 'http/1.1'] } }),
    host({ hostTag: 'fallback', handler, default: true }),
  ])
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const name of ['quiet', 'web', 'fallback', 'unknown']) {
      const { code, line } = await engine.refusal({
        ...{ servername: `${name}.test`, ALPNProtocols: ['acme-tls/1'], minVersion: version, maxVersion: version },
      })
      expect(code).toMatch(/NO_APPLICATION_PROTOCOL/)
      const tag = name === 'unknown' ? 'fallback' : name
      expect(line).toMatchObject({ host: tag, reason: 'HandshakeFailed', detail: 'no challenge to answer' })
    }
  expect(backend.connections).toEqual([])

  // A client that merely names the protocol beside its own is a client (RFC 8737, 3: validations name it alone).
  const ALPNProtocols = ['acme-tls/1', 'h2']
  await using client = await connectTls({ port: engine.port, servername: 'web.test', ALPNProtocols })
  expect(client.alpn).toBe('h2')
  client.socket.end('served')
  expect(await engine.closeLine(client.origin)).toMatchObject({ host: 'web', alpn: 'h2', backend: expect.any(String) })
  expect(backend.connections.length).toBe(1)
})

test('a Passthrough host gets it as it came: the backend ends TLS and answers its own challenges', async () => {
  const authority = createAuthority()
  const { certPem, keyPem } = authority.issue({ names: ['through.test'] })
  const tls = { cert: certPem, key: keyPem, ALPNProtocols: ['acme-tls/1'] }
  await using backend = await startBackend(echo, { tls })
  await using engine = await startTlsEngine([
    {
      ...{ hostTag: 'through', hostNames: ['through.test'] },
      handler: { type: 'Passthrough', passthrough: { backends: [backend.backend] } },
    },
  ])
  const options = { port: engine.port, servername: 'through.test', ALPNProtocols: ['acme-tls/1'] }
  await using client = await connectTls(options)
  expect(client.alpn).toBe('acme-tls/1')
})
