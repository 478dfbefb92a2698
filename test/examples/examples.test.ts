import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { echo, greet, record, startBackend } from '../support/backend.ts'
import { createAuthority, type IssueOptions } from '../support/certificates.ts'
import { runCommand } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { connectRaw } from '../support/raw-client.ts'
import { repository } from '../support/runtime.ts'
import { connectTls, refusalOf } from '../support/tls-client.ts'
import { createWorkspace } from '../support/workspace.ts'
import { moveExample } from './served-example.ts'

/** A key and a certificate as `node:tls` takes them. */
const issue = (authority: ReturnType<typeof createAuthority>, options: IssueOptions) => {
  const { certPem: cert, keyPem: key } = authority.issue(options)
  return { cert, key }
}

const get = (path: string, host: string) => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`

/** Each example, with the test that uses it as a person would. */
const USES: Readonly<Record<string, () => Promise<void>>> = {
  async quickstart() {
    const example = await moveExample('quickstart')
    await using backend = await startBackend(greet('from the backend'), { port: example.port(8081) })
    await using engine = await example.serve()
    const tls = { port: example.port(8443), ca: engine.ca }

    await using shop = await connectTls({ ...tls, servername: 'shop.localhost' })
    expect(await shop.until('backend')).toBe('from the backend')
    expect(backend.connections.length).toBe(1)
    expect(shop.serverNames).toEqual(['shop.localhost'])
    await using secure = await connectTls({ ...tls, servername: 'secure.localhost' })
    expect([secure.protocol, await secure.request('hello')]).toEqual(['TLSv1.3', 'hello'])
    expect(await refusalOf({ ...tls, servername: 'secure.localhost', maxVersion: 'TLSv1.2' })).toContain(
      'PROTOCOL_VERSION',
    )
    await using http = await connectRaw({ port: example.port(8080) })
    await http.send(get('/cart?a=1', 'shop.localhost'))
    expect((await http.toEnd()).toString()).toMatch(
      new RegExp(
        `^HTTP/1.1 302 [\\s\\S]*\r\nlocation: https://shop.localhost:${example.port(8443)}/cart\\?a=1\r\n`,
        'i',
      ),
    )
  },

  async limits() {
    const example = await moveExample('limits')
    await using _ = await startBackend(echo, { port: example.port(8025) })
    await using engine = await example.serve()
    const at = { port: example.port(8465), ca: engine.ca, servername: 'mail.example.com' }
    const clients = [await connectTls(at), await connectTls(at), await connectTls(at)]
    for (const client of clients) expect(await client.until('\n')).toBe('220 mail.example.com ESMTP\r\n')
    expect(await clients[0]?.request('EHLO me')).toBe('EHLO me')
    await using fourth = await connectTls(at)
    expect((await fourth.toEnd()).toString()).toBe('421 4.3.2 Too many connections, try again later\r\n')
    expect(await refusalOf({ ...at, localAddress: '127.0.0.2' })).toMatch(/^(ECONNRESET|EPIPE|closed)$/)
    for (const client of clients) client.socket.destroy()
  },

  async 'forward-with-proxy-protocol'() {
    const example = await moveExample('forward-with-proxy-protocol')
    await using first = await startBackend(record, { port: example.port(8081) })
    await using second = await startBackend(record, { port: example.port(8082) })
    await using engine = await example.serve()
    await using client = await connectTls({ port: example.port(8443), ca: engine.ca, servername: 'a.app.example.com' })
    client.socket.write('hello')
    await eventually(() => {
      const [one] = [...first.connections, ...second.connections]
      // PROXY protocol v2: signature, version 2 and command PROXY, TCP over IPv4.
      expect(one?.received.subarray(0, 14).toString('hex')).toBe('0d0a0d0a000d0a515549540a2111')
      expect(one?.received.subarray(-5).toString()).toBe('hello')
    })
  },

  async 'client-certificates'() {
    const example = await moveExample('client-certificates')
    const authority = createAuthority()
    const stranger = createAuthority()
    await using workspace = await createWorkspace()
    await workspace.copyConfigMap('clients-ca', { 'ca.crt': authority.cert })
    await using engine = await example.serve(workspace.configMaps)
    const tls = { port: example.port(8443), ca: engine.ca }

    await using anybody = await connectTls({ ...tls, servername: 'www.example.com' })
    expect(await anybody.request('hello')).toBe('hello')
    const internal = { ...tls, servername: 'internal.example.com' }
    await using alice = await connectTls({ ...internal, ...issue(authority, { commonName: 'alice', client: true }) })
    expect(await alice.request('hello')).toBe('hello')
    await using batch = await connectTls({
      ...internal,
      ...issue(authority, { names: ['batch.example.com'], client: true }),
    })
    expect(await batch.request('hello')).toBe('hello')
    await refusalOf(internal)
    await refusalOf({ ...internal, ...issue(authority, { commonName: 'mallory', client: true }) })
    await refusalOf({ ...internal, ...issue(stranger, { commonName: 'alice', client: true }) })
    const metrics = await engine.metrics()
    for (const reason of ['ClientCertificateMissing', 'ClientCertificateNotAllowed', 'ClientCertificateUntrusted']) {
      expect([reason, metrics.sum('socketserver_connections_closed_total', { host: 'internal', reason })]).toEqual([
        reason,
        1,
      ])
    }
  },

  async passthrough() {
    const example = await moveExample('passthrough')
    const vault = issue(createAuthority(), { names: ['vault.example.com'] })
    await using _backend = await startBackend(echo, { port: example.port(8444), tls: vault })
    await using engine = await example.serve()
    await using through = await connectTls({ port: example.port(8443), servername: 'vault.example.com' })
    expect([through.serverNames, await through.request('hello')]).toEqual([['vault.example.com'], 'hello'])
    expect(through.socket.getPeerX509Certificate()?.toString().trim()).toBe(vault.cert.trim())
    await using ended = await connectTls({ port: example.port(8443), ca: engine.ca, servername: 'www.example.com' })
    expect(await ended.request('hello')).toBe('hello')
  },

  async redirect() {
    const example = await moveExample('redirect')
    await using engine = await example.serve()
    await using http = await connectRaw({ port: example.port(8080) })
    await http.send(get('/a', 'www.example.com'))
    expect((await http.toEnd()).toString()).toMatch(
      new RegExp(`^HTTP/1.1 308 [\\s\\S]*\r\nlocation: https://www.example.com:${example.port(8443)}/a\r\n`, 'i'),
    )
    await using old = await connectTls({ port: example.port(8443), ca: engine.ca, servername: 'old.example.com' })
    old.socket.write(get('/b', 'old.example.com'))
    expect((await old.toEnd()).toString()).toMatch(
      /^HTTP\/1.1 301 [\s\S]*\r\nlocation: https:\/\/www\.example\.com(:\d+)?\/b\r\n/i,
    )
  },

  async 'several-listeners'() {
    const example = await moveExample('several-listeners')
    await using engine = await example.serve()
    const tls = { ca: engine.ca, servername: 'mail.example.com' }
    const targets = [
      { port: example.port(8443), host: '127.0.0.1' },
      { port: example.port(8443), host: '::1' },
      { port: example.port(8444) },
      { port: example.port(8445), host: '::1' },
      { port: example.port(8446), before: 'PROXY TCP4 192.0.2.7 192.0.2.1 5555 443\r\n' },
    ]
    for (const target of targets) {
      await using client = await connectTls({ ...tls, ...target })
      expect(await client.request('hello')).toBe('hello')
    }
    await engine.waitForLog((line) => line.message === 'client closed' && line['peer'] === '192.0.2.7:5555')
    await refusalOf({ ...tls, port: example.port(8446) })
    await engine.waitForLog(
      (line) => line['reason'] === 'ProxyHeaderMissing' || line['reason'] === 'ProxyHeaderInvalid',
    )
  },

  async 'listeners-without-hosts'() {
    const example = await moveExample('listeners-without-hosts')
    await using _backend = await startBackend(greet('* OK ready'), { port: example.port(8143) })
    await using engine = await example.serve()
    for (const servername of ['', 'any.example.com']) {
      await using imaps = await connectTls({ port: example.port(8993), servername })
      expect(await imaps.until('ready')).toBe('* OK ready')
    }
    expect(engine.ca).toContain('BEGIN CERTIFICATE')
    await using plain = await connectRaw({ port: example.port(8007) })
    await plain.send('hello')
    expect((await plain.bytes(5)).toString()).toBe('hello')
  },

  async 'security-levels'() {
    const example = await moveExample('security-levels')
    await using engine = await example.serve()
    const tls = { port: example.port(8443), ca: engine.ca }
    const rows = [
      [{ servername: 'www.example.com', maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
      [{ servername: 'www.example.com' }, 'TLSv1.3'],
      [{ servername: 'api.example.com' }, 'TLSv1.3'],
      [{ servername: 'pq.example.com' }, 'TLSv1.3'],
      [{ servername: 'legacy.example.com', ALPNProtocols: ['h2', 'http/1.1'] }, 'TLSv1.2'],
    ] as const
    for (const [options, protocol] of rows) {
      await using client = await connectTls({ ...tls, ...options })
      expect([options.servername, client.protocol, await client.request('hello')]).toEqual([
        options.servername,
        protocol,
        'hello',
      ])
      if (options.servername === 'pq.example.com') expect(client.group).toBe('X25519MLKEM768')
      if (options.servername === 'legacy.example.com') expect(client.alpn).toBe('http/1.1')
    }
    await refusalOf({ ...tls, servername: 'api.example.com', maxVersion: 'TLSv1.2' })
    await refusalOf({ ...tls, servername: 'pq.example.com', ecdhCurve: 'X25519' })
  },

  async 're-encrypt'() {
    const example = await moveExample('re-encrypt')
    const authority = createAuthority()
    const pay = issue(authority, { names: ['pay.internal'] })
    await using workspace = await createWorkspace()
    await workspace.copyConfigMap('backend-ca', { 'ca.crt': authority.cert })
    await using backend = await startBackend(echo, { port: example.port(8444), tls: pay })
    await using engine = await example.serve(workspace.configMaps)
    await using client = await connectTls({ port: example.port(8443), ca: engine.ca, servername: 'pay.example.com' })
    expect(await client.request('hello')).toBe('hello')
    expect((backend.connections[0]?.socket as { servername?: string } | undefined)?.servername).toBe('pay.internal')
  },
}

describe('examples/', () => {
  test('every manifest is valid, without a warning', async () => {
    const { code, stdout } = await runCommand(['validate', '-f', 'examples'])
    expect([code, stdout.includes('warning')]).toEqual([0, false])
    expect(stdout).toContain(`${Object.keys(USES).length} manifests, 0 with problems`)
  })

  test('every manifest has a test that uses it', async () => {
    const names = (await readdir(join(repository, 'examples'))).filter((name) => name.endsWith('.yaml'))
    expect(names.map((name) => name.slice(0, -5)).sort()).toEqual(Object.keys(USES).sort())
  })

  for (const [name, use] of Object.entries(USES)) test(`${name}.yaml works when pasted`, use)
})
