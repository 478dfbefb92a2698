import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBackend } from '../support/backend.ts'
import { captureClientHello } from '../support/client-hello.ts'
import type { LogLine } from '../support/engine-output.ts'
import { host, listener, socketServer } from '../support/manifest.ts'
import { opensslClient, opensslMissing } from '../support/openssl-client.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'

/** Every host listens on `first`; `fallback` is the default of `second` alone. */
const HOSTS = [
  host({ hostTag: 'exact', hostNames: ['www.shop.test', 'Mixed.Case.TEST'] }),
  host({ hostTag: 'wild', hostNames: ['*.shop.test'] }),
  host({ hostTag: 'deep', hostNames: ['*.api.shop.test'] }),
  host({ hostTag: 'off', hostNames: ['off.shop.test', 'off.test'], enabled: false, default: true }),
  host({ hostTag: 'fallback', hostNames: ['fallback.test'], default: true, listeners: ['second'] }),
  host({ hostTag: 'elsewhere', hostNames: ['only-second.test'], listeners: ['second'] }),
]

/** Server name, host on the listener `first` (which has no default), host on `second`; undefined: refused. */
const CHOICES: Readonly<Record<string, readonly [string | undefined, string | undefined, string | undefined]>> = {
  'an exact name': ['www.shop.test', 'exact', 'exact'],
  'an exact name in capitals': ['WWW.SHOP.TEST', 'exact', 'exact'],
  'a name the manifest writes in capitals': ['mixed.case.test', 'exact', 'exact'],
  'a name that a wildcard fits': ['other.shop.test', 'wild', 'wild'],
  'a name in capitals that a wildcard fits': ['Other.Shop.Test', 'wild', 'wild'],
  'a name that the longer wildcard fits': ['v1.api.shop.test', 'deep', 'deep'],
  'a name that a wildcard would fit with two labels': ['a.b.shop.test', undefined, 'fallback'],
  'the name behind the wildcard': ['shop.test', undefined, 'fallback'],
  'a name that the wildcard of one label fits, not the longer': ['api.shop.test', 'wild', 'wild'],
  'a name of a disabled host that a wildcard fits': ['off.shop.test', 'wild', 'wild'],
  'a name of a disabled host': ['off.test', undefined, 'fallback'],
  'an unknown name': ['unknown.test', undefined, 'fallback'],
  'a name of another listener alone': ['only-second.test', undefined, 'elsewhere'],
  'a name with a dot at its end': ['www.shop.test.', 'exact', 'exact'],
  'no name': [undefined, undefined, 'fallback'],
}

let engine: TlsEngine
let ports: readonly [number, number]

beforeAll(async () => {
  ports = [await freePort(), await freePort()]
  engine = await startTlsEngine(
    HOSTS.map((one) => ({ listeners: ['first', 'second'], ...one })),
    { spec: { listeners: ports.map((port, at) => listener({ name: at === 0 ? 'first' : 'second', port })) } },
  )
})
afterAll(() => engine[Symbol.asyncDispose]())

describe.each(Object.entries(CHOICES))('%s', (_what, [servername, ...hosts]) => {
  test.each([
    ['first', 0],
    ['second', 1],
  ] as const)('finds its host on the listener %s', async (name, at) => {
    const wanted = hosts[at]
    const port = ports[at]
    let line: LogLine
    if (wanted === undefined) {
      const refusal = await engine.refusal({ port, servername: servername ?? '' })
      expect(refusal.code).toMatch(/UNRECOGNIZED_NAME/)
      line = refusal.line
    } else {
      await using client = await connectTls({ port, servername: servername ?? '', ca: engine.authority.cert })
      expect(await client.request('hello')).toBe('hello')
      // The certificate is the host's own.
      const names = HOSTS.find((one) => one['hostTag'] === wanted)?.['hostNames'] as string[]
      expect(client.serverNames).toEqual(names)
      client.socket.end()
      line = await engine.closeLine(client.origin)
    }
    expect(line['listener']).toBe(name)
    expect(line['reason']).toBe(wanted === undefined ? 'UnknownHost' : 'Completed')
    expect(line['host']).toBe(wanted)
    expect(line['serverName']).toBe(servername?.toLowerCase().replace(/\.$/, ''))
  })
})

/** A real hello whose server name is replaced by another of the same length: what a library would not send. */
async function helloNaming(name: string): Promise<Buffer> {
  const stand = 'x'.repeat(name.length)
  const hello = await captureClientHello({ servername: stand })
  hello.write(name, hello.indexOf(stand), 'latin1')
  return hello
}

const UNRECOGNIZED = Buffer.from([21, 3, 3, 0, 2, 2, 112])

test.each([
  ['an IPv4 address', '127.0.0.1'],
  ['an IPv6 address', '2001:db8::1'],
  ['an empty label', '.shop.test'],
  ['only a wildcard', '*.shop.test'],
  ['bytes that are no text', 'ÿþ\x01\n.test'],
])('%s as server name goes to the default host, or is refused', async (_what, name) => {
  const hello = await helloNaming(name)
  await using refused = await connectRaw({ port: ports[0] })
  await refused.send(hello)
  // A wildcard in the name a client sends is a label like any other; it never equals a pattern by accident.
  if (name.startsWith('*')) expect((await refused.bytes(1))[0]).toBe(22)
  else expect(await refused.bytes(7)).toEqual(UNRECOGNIZED)
  await using served = await connectRaw({ port: ports[1] })
  await served.send(hello)
  // A handshake record: the ServerHello of the default host.
  expect((await served.bytes(1))[0]).toBe(22)
})

test.skipIf(opensslMissing)('openssl is told unrecognized_name, with and without a server name', async () => {
  const named = await opensslClient(ports[0], ['-servername', 'unknown.test'])
  expect(named).toMatchObject({ protocol: undefined, alert: 112 })
  const unnamed = await opensslClient(ports[0], ['-noservername'])
  expect(unnamed).toMatchObject({ protocol: undefined, alert: 112 })
  const found = await opensslClient(ports[0], ['-servername', 'WWW.shop.test'], 'hello')
  expect(found).toMatchObject({ code: 0, protocol: 'TLSv1.3' })
})

test('a plain listener serves its own default host', async () => {
  const [plain, secure] = [await freePort(), await freePort()]
  await using greeter = await startBackend(({ socket }) => void socket.end('plain'))
  const handler = { type: 'Forward', forward: { backends: [greeter.backend] } }
  const spec = socketServer({
    listeners: [listener({ name: 'plain', port: plain, tls: false }), listener({ name: 'secure', port: secure })],
  })['spec'] as object
  const hosts = [
    { hostTag: 'plain', default: true, listeners: ['plain'], handler },
    host({ hostTag: 'secure', default: true, listeners: ['secure'] }),
  ]
  await using _ = await startTlsEngine(hosts, { spec: { ...spec } })
  await using client = await connectRaw({ port: plain })
  expect((await client.toEnd()).toString()).toBe('plain')
  await using other = await connectTls({ port: secure, servername: 'whatever.test' })
  expect(await other.request('secure')).toBe('secure')
})
