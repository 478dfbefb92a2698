import { once } from 'node:events'
import net from 'node:net'
import { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type ClientRecord,
  type ListenState,
  ManifestError,
  SocketClient,
  SocketServer,
  SocketServerError,
  type SocketServerInput,
  type SocketServerOptions,
} from '../../../../sidecar/index.ts'
import { echo, startBackend } from '../../../support/backend.ts'
import { createAuthority, createDirectory, writeSecret } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { freePort } from '../../../support/ports.ts'
import { connectRaw } from '../../../support/raw-client.ts'
import { connectTls, refusalOf } from '../../../support/tls-client.ts'

const authority = createAuthority()
const servers: SocketServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.abort()
})

/** A server that is aborted after the test. */
function make(input: SocketServerInput, options: SocketServerOptions = {}): SocketServer {
  const server = new SocketServer(input, options)
  servers.push(server)
  return server
}

const plain = (port: number, more: object = {}) => ({
  listeners: [{ name: 'plain', address: '127.0.0.1', port, tls: false, ...more }],
})

/** A secret of the names, and what a client trusts. */
const secretFor = (...names: string[]) => {
  const { certPem: cert, keyPem: key } = authority.issue({ names })
  return { cert, key }
}

describe('a server in a program', () => {
  test('serves by a function; the client is a stream and knows who it is', async () => {
    const port = await freePort()
    const seen: SocketClient[] = []
    const server = make(plain(port), {
      handler: async (client) => {
        seen.push(client)
        for await (const chunk of client) client.write(`<${chunk}>`)
        client.end('bye')
      },
      allowHalfOpen: true,
    })
    await server.listen()
    await using raw = await connectRaw({ port })
    raw.socket.write('hello')
    expect(await raw.until('>')).toBe('<hello>')
    const [client] = seen
    expect(client).toBeInstanceOf(SocketClient)
    expect(client).toBeInstanceOf(Duplex)
    expect(client).toMatchObject({
      peerAddress: '127.0.0.1',
      peerPort: raw.socket.localPort,
      localAddress: '127.0.0.1',
      localPort: port,
      listener: 'plain',
      listenerIndex: 0,
      hostTag: 'plain',
      host: undefined,
      server,
      tls: undefined,
      receivedBytes: 5,
      sentBytes: 7,
    })
    expect([server.clients, server.clientCount, server.has(client as SocketClient)]).toEqual([[client], 1, true])
    raw.socket.end()
    expect((await raw.toEnd()).toString()).toBe('bye')
    await eventually(() => expect([server.clients, server.clientCount]).toEqual([[], 0]))
    expect(server.has(client as SocketClient)).toBe(false)
  })

  test('tells of every client, every listener and every defect', async () => {
    const port = await freePort()
    const told: string[] = []
    const states: ListenState[] = []
    const records: ClientRecord[] = []
    const server = make(plain(port), { handler: (client) => void client.pipe(client) })
    server.on('clientAccepted', ({ clientId, peerAddress }) => told.push(`accepted ${clientId} ${peerAddress}`))
    server.on('client', (client) => told.push(`client ${client.clientId}`))
    server.on('clientClosed', (record, client) => {
      records.push(record)
      told.push(`closed ${record.clientId} ${client instanceof SocketClient} ${record.reason}`)
    })
    server.on('stateChanged', (state) => states.push(state))
    expect([server.state, server.listenAllOk()]).toEqual(['Closed', false])
    await server.listen()
    expect([server.state, server.listenAllOk()]).toEqual(['Listening', true])
    expect(server.states()).toMatchObject([{ name: 'plain', state: 'Listening', port, tls: false, error: '' }])
    await using raw = await connectRaw({ port })
    raw.socket.end('ping')
    expect((await raw.toEnd()).toString()).toBe('ping')
    await eventually(() => expect(told).toEqual(['accepted c-1 127.0.0.1', 'client c-1', 'closed c-1 true Completed']))
    expect(records[0]).toMatchObject({ receivedBytes: 4, sentBytes: 4, listener: 'plain' })
    await server.close()
    expect(states.map(({ state }) => state)).toEqual(['Listening', 'Closed'])
    expect([server.state, server.listenAllOk()]).toEqual(['Closed', false])
  })

  test('serves by its event alone, and refuses to listen when nobody serves', async () => {
    const port = await freePort()
    const server = make(plain(port))
    await expect(server.listen()).rejects.toMatchObject({ code: 'SS_USAGE' })
    server.on('client', (client) => client.end('hello'))
    await server.listen()
    await using raw = await connectRaw({ port })
    expect((await raw.toEnd()).toString()).toBe('hello')
  })

  test('gives the net.Server of a listener', async () => {
    const port = await freePort()
    const server = make(plain(port), { handler: (client) => client.end() })
    expect(server.netServer('plain')).toBeUndefined()
    await server.listen()
    expect(server.netServer('plain')).toBeInstanceOf(net.Server)
    expect(server.netServer('plain')?.address()).toMatchObject({ address: '127.0.0.1', port })
    expect(server.netServer('other')).toBeUndefined()
  })

  test('holds back a handler that writes more than its client takes', async () => {
    const port = await freePort()
    const size = 32 * 1024 * 1024
    let written = 0
    const server = make(plain(port), {
      handler: async (client) => {
        const block = Buffer.alloc(64 * 1024)
        while (written < size) {
          written += block.length
          if (!client.write(block)) await once(client, 'drain')
        }
        client.end()
      },
    })
    await server.listen()
    await using raw = await connectRaw({ port })
    await eventually(() => expect(written).toBeGreaterThan(0))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(written).toBeLessThan(size)
    let received = 0
    raw.socket.on('data', (chunk) => {
      received += chunk.length
    })
    await once(raw.socket, 'end')
    expect(received).toBe(size)
  })

  test('reads what a client sent before its end, however slow the handler is', async () => {
    const port = await freePort()
    const bytes = 3 * 1024 * 1024
    let received = 0
    const done = Promise.withResolvers<void>()
    const server = make(plain(port), {
      handler: async (client) => {
        client.end('that is all I say')
        for await (const chunk of client) {
          await new Promise((resolve) => setTimeout(resolve, 2))
          received += chunk.length
        }
        done.resolve()
      },
    })
    await server.listen()
    await using raw = await connectRaw({ port })
    raw.socket.end(Buffer.alloc(bytes))
    await done.promise
    expect(received).toBe(bytes)
  })
})

describe('a defect', () => {
  const failures = {
    'a handler that throws': (_client: SocketClient) => {
      throw new Error('defect')
    },
    'a handler that rejects': async (client: SocketClient) => {
      await once(client, 'data')
      throw new Error('defect')
    },
    'a listener of the client that throws': (client: SocketClient) => {
      client.on('data', () => {
        throw new Error('defect')
      })
    },
    'a listener of the client that rejects': (client: SocketClient) => {
      client.on('data', async () => {
        throw new Error('defect')
      })
    },
    'a client destroyed with an error': (client: SocketClient) => {
      client.on('data', () => client.destroy(new Error('defect')))
    },
  }
  for (const [name, fail] of Object.entries(failures))
    test(`costs one client alone: ${name}`, async () => {
      const port = await freePort()
      const errors: (readonly [string, string | undefined])[] = []
      const reasons: string[] = []
      let isFirst = true
      const server = make(plain(port), {
        handler: (client) => {
          if (!isFirst) return void client.pipe(client)
          isFirst = false
          return fail(client)
        },
      })
      server.on('error', (error, client) => errors.push([error.message, client?.clientId]))
      server.on('clientClosed', ({ clientId, reason }) => reasons.push(`${clientId} ${reason}`))
      await server.listen()
      await using bad = await connectRaw({ port })
      bad.socket.write('x')
      await bad.closed(5_000)
      await using good = await connectRaw({ port })
      good.socket.write('fine')
      expect((await good.bytes(4)).toString()).toBe('fine')
      await eventually(() => expect(reasons).toEqual(['c-1 HandlerFailed']))
      expect(errors).toEqual([['defect', 'c-1']])
    })

  test.each(['throws', 'rejects'])('of a listener of the server that %s is told and harms nobody', async (how) => {
    const port = await freePort()
    const errors: string[] = []
    const server = make(plain(port), { handler: (client) => void client.pipe(client) })
    const fail = () => {
      if (how === 'throws') throw new Error('defect')
      return Promise.reject(new Error('defect'))
    }
    server.on('clientAccepted', fail)
    server.on('stateChanged', fail)
    server.on('error', (error) => errors.push(error.message))
    await server.listen()
    await using raw = await connectRaw({ port })
    raw.socket.write('fine')
    expect((await raw.bytes(4)).toString()).toBe('fine')
    await eventually(() => expect(errors).toEqual(['defect', 'defect']))
  })

  test('that nobody listens for ends nothing', async () => {
    const port = await freePort()
    const lines: string[] = []
    const server = make(plain(port), {
      handler: () => Promise.reject(new Error('defect')),
      log: (level, message) => void lines.push(`${level} ${message}`),
    })
    await server.listen()
    await using raw = await connectRaw({ port })
    await raw.closed(5_000)
    expect(lines).toContain('error defect')
    expect(server.listenAllOk()).toBe(true)
  })

  test('is not what a client does that leaves', async () => {
    const port = await freePort()
    const errors: Error[] = []
    const ended: string[] = []
    const server = make(plain(port), {
      handler: async (client) => {
        client.on('close', () => ended.push('close'))
        await pipeline(client, client)
      },
    })
    server.on('error', (error) => errors.push(error))
    await server.listen()
    const raw = await connectRaw({ port })
    raw.socket.write('hello')
    await raw.bytes(5)
    raw.socket.resetAndDestroy()
    await eventually(() => expect([ended, server.clientCount]).toEqual([['close'], 0]))
    expect(errors).toEqual([])
  })
})

describe('certificates in memory', () => {
  test('serve hosts by their names, each with a function of its own', async () => {
    const port = await freePort()
    const server = make(
      {
        listeners: [{ name: 'tls', address: '127.0.0.1', port }],
        icsHosts: [
          {
            hostTag: 'a',
            hostNames: ['a.test'],
            certificate: secretFor('a.test'),
            handler: (client) => client.end(`a for ${client.serverName} by ${client.tls?.version}`),
          },
          { hostTag: 'b', hostNames: ['b.test'], certificate: { secretName: 'b' } },
          { hostTag: 'c', hostNames: ['c.test'], certificate: { secretName: 'b' }, handler: { type: 'Echo' } },
        ],
      },
      {
        secrets: { b: secretFor('b.test', 'c.test') },
        handler: (client) => client.end(`${client.host?.hostTag} ${client.host?.hostNames[0]}`),
      },
    )
    await server.listen()
    const tls = { port, ca: authority.rootPem }
    await using a = await connectTls({ ...tls, servername: 'a.test' })
    expect((await a.toEnd()).toString()).toBe('a for a.test by TLSv1.3')
    await using b = await connectTls({ ...tls, servername: 'b.test' })
    expect((await b.toEnd()).toString()).toBe('b b.test')
    await using c = await connectTls({ ...tls, servername: 'c.test' })
    expect(await c.request('echo')).toBe('echo')
    expect(server.clients.filter(({ hostTag }) => hostTag === 'c')).toEqual([])
    expect(server.clientStates().map(({ hostTag }) => hostTag)).toContain('c')
  })

  test('are replaced without dropping a client; what is bad leaves the last good one in service', async () => {
    const port = await freePort()
    const server = make(
      { listeners: [{ name: 'tls', address: '127.0.0.1', port, certificate: { secretName: 'x' } }] },
      { secrets: { x: secretFor('a.test') }, handler: (client) => void client.pipe(client) },
    )
    await server.listen()
    const tls = { port, ca: authority.rootPem, servername: 'a.test' }
    await using before = await connectTls(tls)
    const renewed = secretFor('a.test')
    await server.setSecret('x', renewed)
    await using after = await connectTls(tls)
    expect(after.serverSha256).not.toBe(before.serverSha256)
    expect(await before.request('still here')).toBe('still here')
    await server.setSecret('x', { ...renewed, key: 'no key' })
    const host = await server.loadCertificate('tls')
    expect(host.messages.join()).toContain('tls.key')
    expect(host.certificates).toMatchObject([{ lastKnownGood: true, sha256: after.serverSha256 }])
    await using still = await connectTls(tls)
    expect(still.serverSha256).toBe(after.serverSha256)
    await expect(server.loadCertificate('nobody')).rejects.toMatchObject({ code: 'SS_USAGE' })
  })

  test('are looked for before directories, and directories are watched', async () => {
    const port = await freePort()
    const secretsDir = createDirectory()
    const { cert, key } = secretFor('d.test')
    writeSecret(secretsDir, 'd', { cert, key })
    const host = (hostTag: string) => ({
      hostTag,
      hostNames: [`${hostTag}.test`],
      certificate: { secretName: hostTag },
    })
    const server = make(
      { listeners: [{ name: 'tls', address: '127.0.0.1', port }], icsHosts: [host('d'), host('m')] },
      { secretsDir, secrets: { m: secretFor('m.test') }, handler: (client) => void client.pipe(client) },
    )
    await server.listen()
    const tls = { port, ca: authority.rootPem }
    await using d = await connectTls({ ...tls, servername: 'd.test' })
    await using m = await connectTls({ ...tls, servername: 'm.test' })
    expect([d.serverNames, m.serverNames]).toEqual([['d.test'], ['m.test']])
    writeSecret(secretsDir, 'd', secretFor('d.test'))
    await eventually(async () => {
      await using renewed = await connectTls({ ...tls, servername: 'd.test' })
      expect(renewed.serverSha256).not.toBe(d.serverSha256)
    })
  })

  test('judge clients by a CA in memory', async () => {
    const port = await freePort()
    const clients = createAuthority()
    const server = make(
      {
        listeners: [{ name: 'tls', address: '127.0.0.1', port }],
        icsHosts: [
          {
            hostTag: 'a',
            hostNames: ['a.test'],
            certificate: secretFor('a.test'),
            clientCertificate: { method: 'Require', caRefs: [{ kind: 'ConfigMap', name: 'ca', key: 'ca.crt' }] },
          },
        ],
      },
      {
        configMaps: { ca: { 'ca.crt': clients.rootPem } },
        handler: (client) => client.end(client.tls?.peerCertificate?.commonName),
      },
    )
    await server.listen()
    const tls = { port, ca: authority.rootPem, servername: 'a.test' }
    const own = clients.issue({ commonName: 'alice', client: true })
    await using alice = await connectTls({ ...tls, cert: own.certPem, key: own.keyPem })
    expect((await alice.toEnd()).toString()).toBe('alice')
    expect(await refusalOf(tls)).not.toBe('')
  })

  test('are graded without listening', async () => {
    const port = await freePort()
    const listeners = [{ name: 'tls', address: '127.0.0.1', port }]
    const host = { hostTag: 'a', hostNames: ['a.test'], certificate: { secretName: 'a' } }
    const handler = (client: SocketClient) => client.end()
    const spec = { listeners, icsHosts: [host] }
    const bad = await make(spec, { handler }).validate()
    expect(bad).toMatchObject({ ok: false, hosts: [{ hostTag: 'a', grade: 'None' }] })
    expect(bad.hosts[0]?.messages.join()).toContain('Secret "a" is missing')
    const good = make(spec, { handler, secrets: { a: { ...secretFor('a.test'), ca: authority.rootPem } } })
    expect(await good.validate()).toMatchObject({ ok: true, hosts: [{ hostTag: 'a', grade: 'OK' }] })
    expect(good.states()).toEqual([])
  })
})

describe('a manifest', () => {
  test('is refused with every problem, its path and its cure', () => {
    const wrong = { listeners: [{ name: 'a', port: 99_999, tls: false }], icsHost: [] } as unknown as SocketServerInput
    const error = (() => {
      try {
        return new SocketServer(wrong)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(ManifestError)
    expect(error).toBeInstanceOf(SocketServerError)
    const { code, problems, message } = error as ManifestError
    expect(code).toBe('SS_CONFIG_INVALID')
    expect(problems.map(({ path }) => path).sort()).toEqual(['spec.icsHost', 'spec.listeners[0].port'])
    expect(message).toContain('spec.listeners[0].port')
    expect(message).toContain('did you mean icsHosts?')
    for (const nonsense of [null, undefined, 7, [], {}, '', 'kind: Service'])
      expect(() => new SocketServer(nonsense as unknown as SocketServerInput)).toThrow(ManifestError)
  })

  test('may be YAML, with functions instead of its handlers', async () => {
    const port = await freePort()
    await using backend = await startBackend(echo)
    const yaml = `
apiVersion: icshosts.io/v1alpha1
kind: SocketServer
metadata: { name: edge }
spec:
  listeners:
    - { name: one, address: 127.0.0.1, port: ${port}, tls: false, handler: { type: Echo } }
    - { name: two, address: 127.0.0.1, port: ${await freePort()}, tls: false,
        handler: { type: Forward, forward: { backends: [{ host: 127.0.0.1, port: ${backend.port} }] } } }
`
    const server = make(yaml, { handlers: { one: (client) => client.end('by a function') } })
    await server.listen()
    expect(server.manifest.metadata.name).toBe('edge')
    await using one = await connectRaw({ port })
    expect((await one.toEnd()).toString()).toBe('by a function')
    await using two = await connectRaw({ port: server.manifest.spec.listeners[1]?.port ?? 0 })
    two.socket.write('by a backend')
    expect((await two.bytes(12)).toString()).toBe('by a backend')
    expect(server.backends()).toMatchObject([{ hostTag: 'two', clients: 1 }])
  })

  test('is changed as a difference: functions, Echo and listeners', async () => {
    const [port, other] = [await freePort(), await freePort()]
    const saying = (text: string) => (client: SocketClient) => void client.end(text)
    const server = make(plain(port, { handler: saying('one') }))
    await server.listen()
    const said = async (at: number) => {
      await using raw = await connectRaw({ port: at })
      raw.socket.end('echo')
      return (await raw.toEnd()).toString()
    }
    expect(await said(port)).toBe('one')
    await server.apply(plain(port, { handler: saying('two') }))
    expect(await said(port)).toBe('two')
    await server.apply(plain(port, { handler: { type: 'Echo' } }))
    expect(await said(port)).toBe('echo')
    await server.apply(plain(port, { handler: saying('three') }))
    expect(await said(port)).toBe('three')
    await expect(server.apply({ listeners: [] })).rejects.toThrow(ManifestError)
    expect(await said(port)).toBe('three')
    await server.apply(plain(other, { handler: saying('four') }))
    expect(await said(other)).toBe('four')
    await expect(connectRaw({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('the end', () => {
  const open = async (options: SocketServerOptions = {}) => {
    const port = await freePort()
    const server = make(plain(port), { handler: (client) => void client.pipe(client), ...options })
    await server.listen()
    const raw = await connectRaw({ port })
    raw.socket.write('x')
    await raw.bytes(1)
    return { server, raw, port }
  }

  test('close() stops listening, leaves the clients, and may be taken back', async () => {
    const { server, raw, port } = await open()
    await server.close()
    await expect(connectRaw({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    raw.socket.write('y')
    expect((await raw.bytes(1)).toString()).toBe('y')
    await server.listen()
    await using again = await connectRaw({ port })
    again.socket.write('z')
    expect((await again.bytes(1)).toString()).toBe('z')
    expect(server.clientCount).toBe(2)
    raw.socket.destroy()
  })

  test('drain() waits for the clients until the deadline', async () => {
    const { server, raw } = await open()
    const begun = performance.now()
    setTimeout(() => raw.socket.end(), 300)
    await server.drain(20_000)
    expect(performance.now() - begun).toBeGreaterThan(290)
    expect(performance.now() - begun).toBeLessThan(15_000)
    const stubborn = await open()
    await stubborn.server.drain(200)
    expect(stubborn.server.clientCount).toBe(0)
    await expect(stubborn.server.listen()).rejects.toMatchObject({ code: 'SS_USAGE' })
  })

  test('abort() drops every client at once, one that is in the middle of its own end too', async () => {
    const { server, raw, port } = await open({
      handler: (client) => void client.on('data', (chunk) => client.write(chunk)),
    })
    await using stuck = await connectRaw({ port })
    stuck.socket.write('x')
    await stuck.bytes(1)
    // Ended, with more under way than the client takes.
    server.clients[1]?.end(Buffer.alloc(32 * 1024 * 1024))
    const begun = performance.now()
    await server.abort()
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect([server.clientCount, server.clients]).toEqual([0, []])
    await raw.closed(5_000)
  })

  test('await using ends it', async () => {
    const port = await freePort()
    {
      await using server = new SocketServer(plain(port), { handler: (client) => void client.pipe(client) })
      await server.listen()
      await using raw = await connectRaw({ port })
      raw.socket.write('x')
      await raw.bytes(1)
    }
    await expect(connectRaw({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('disconnect() closes one client', async () => {
    const { server, raw } = await open()
    const reasons: string[] = []
    server.on('clientClosed', ({ reason }) => reasons.push(reason))
    expect(server.disconnect('c-none')).toBe(false)
    expect(server.disconnect(server.clients[0]?.clientId ?? '')).toBe(true)
    await raw.closed(5_000)
    await eventually(() => expect(reasons).toEqual(['Disconnected']))
  })

  test('a port that is taken is told', async () => {
    const { port } = await open()
    const handler = (client: SocketClient) => client.end()
    const second = make({ ...plain(port), bindPolicy: 'AllOrNothing' }, { handler })
    await expect(second.listen()).rejects.toMatchObject({ code: 'SS_CANNOT_LISTEN' })
    const patient = make(plain(port), { handler })
    await patient.listen()
    expect(patient.listenAllOk()).toBe(false)
    expect(patient.states()[0]?.error).toContain('already listening')
  })
})
