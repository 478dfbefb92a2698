import { expect, test, vi } from 'vitest'
import type { Part } from '../support/manifest.ts'
import { connectRaw } from '../support/raw-client.ts'
import { refusalOf } from '../support/tls-client.ts'
import { ask, startTwoDoors, type TwoDoors } from '../support/two-doors.ts'

// Much of it is waiting for time to pass, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

/** It is closed although it says nothing, and gets nothing: no byte is waited for, and none is spent on it. */
async function isTurnedAway(engine: TwoDoors, localAddress: string): Promise<void> {
  for (const port of [engine.tls.port, engine.plain.port]) {
    await using client = await connectRaw({ port, localAddress })
    expect(await client.toEnd(2_000)).toHaveLength(0)
    expect(await engine.waitForLog((line) => line['peer'] === `${localAddress}:${client.origin.port}`)).toMatchObject({
      ...{ reason: 'Denied', receivedBytes: 0, sentBytes: 0 },
    })
  }
  const hello = { port: engine.tls.port, servername: 'a.test', localAddress }
  expect(await refusalOf(hello)).toMatch(/^(ECONNRESET|EPIPE|closed)$/)
}

async function isServed(engine: TwoDoors, localAddress: string): Promise<void> {
  for (const door of [engine.tls, engine.plain]) {
    await using client = await door.connect({ localAddress })
    expect(await ask(client)).toBe('hello')
  }
}

const lists: Record<string, { access: Part; served: string; denied: string }> = {
  'deny of an address': { access: { deny: ['127.0.0.2'] }, served: '127.0.0.3', denied: '127.0.0.2' },
  'deny of a network': { access: { deny: ['127.1.0.0/16'] }, served: '127.0.0.1', denied: '127.1.2.3' },
  'allow of a network': { access: { allow: ['127.1.0.0/16'] }, served: '127.1.2.3', denied: '127.0.0.1' },
  'deny within allow': {
    access: { allow: ['127.1.0.0/16'], deny: ['127.1.2.0/24'] },
    ...{ served: '127.1.3.1', denied: '127.1.2.3' },
  },
}

for (const [name, { access, served, denied }] of Object.entries(lists))
  test(`${name} closes whom it names before a byte is read, and serves the others`, async () => {
    await using engine = await startTwoDoors({ access, banner: '220 hello\r\n', bannerTooBusy: 'busy\r\n' })
    await isTurnedAway(engine, denied)
    expect((await engine.metrics()).sum('socketserver_handshakes_total')).toBe(0)
    expect(await engine.closed('Denied')).toBe(3)
    await using client = await engine.tls.connect({ localAddress: served })
    expect(await client.until('\n')).toBe('220 hello\r\n')
  })

test('an access list holds on the addresses of IPv6, and of IPv4 on a dual-stack listener', async () => {
  await using engine = await startTwoDoors({ access: { deny: ['127.0.0.2', '::1'] } }, {}, { address: '::' })
  await isTurnedAway(engine, '127.0.0.2')
  await isServed(engine, '127.0.0.1')
  await using client = await connectRaw({ port: engine.plain.port, host: '::1' })
  expect(await client.toEnd(2_000)).toHaveLength(0)
})

test('behind a proxy the list is of its clients, and not of the proxy', async () => {
  const proxyProtocol = { mode: 'Require', trustedSources: ['127.0.0.1'] }
  const access = { allow: ['198.51.100.0/24'], deny: ['198.51.100.7'] }
  await using engine = await startTwoDoors({ access }, {}, { proxyProtocol })
  const header = (source: string) => `PROXY TCP4 ${source} 192.0.2.99 40000 443\r\n`
  for (const door of [engine.tls, engine.plain]) {
    await using client = await door.connect({ before: header('198.51.100.8') })
    expect(await ask(client)).toBe('hello')
    for (const source of ['198.51.100.7', '203.0.113.1']) {
      await using denied = await connectRaw({ port: door.port })
      // Nothing after the header is waited for.
      await denied.send(header(source))
      expect(await denied.toEnd(2_000)).toHaveLength(0)
      await engine.waitForLog((line) => line['peer'] === `${source}:40000` && line['reason'] === 'Denied')
    }
  }
  expect((await engine.metrics()).sum('socketserver_handshakes_total')).toBe(1)
})

test('a list that changes holds for those who come, and leaves those inside', async () => {
  const spec = (access: Part) => ({ access })
  await using engine = await startTwoDoors(spec({}))
  await using inside = await engine.tls.connect({ localAddress: '127.0.0.2' })
  expect(await ask(inside)).toBe('hello')
  await engine.changeSpec(spec({ deny: ['127.0.0.2'] }))
  await isTurnedAway(engine, '127.0.0.2')
  expect(await ask(inside)).toBe('hello')
  await engine.changeSpec(spec({}))
  await isServed(engine, '127.0.0.2')
})
