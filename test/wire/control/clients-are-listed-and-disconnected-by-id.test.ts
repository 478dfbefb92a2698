import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { ClientReport } from '../../../sidecar/control/control-socket/client-report.ts'
import { startChild } from '../../support/child.ts'
import { afterScreen, control, controlJson, controlPath, runOnTerminal } from '../../support/control.ts'
import { within } from '../../support/deadline.ts'
import { eventually } from '../../support/eventually.ts'
import { connectRaw } from '../../support/raw-client.ts'
import { commandLine } from '../../support/runtime.ts'
import { ask, startTwoDoors, type TwoDoors } from '../../support/two-doors.ts'

const list = async (engine: TwoDoors, ...args: string[]) =>
  (await controlJson<{ clients: readonly ClientReport[] }>(engine, 'clients', ...args)).clients

test('every client is told with what it is and does', async () => {
  await using engine = await startTwoDoors()
  await using tls = await engine.tls.connect()
  await using plain = await engine.plain.connect()
  // It never says hello: it stands before the handshake.
  await using silent = await connectRaw({ port: engine.tls.port })
  await ask(tls, 'hello')
  await ask(plain, 'hello world')

  const clients = await list(engine)
  const of = (port: number | undefined) => clients.find(({ peer }) => peer === `127.0.0.1:${port}`)
  expect(clients).toHaveLength(3)
  expect(of(tls.socket.localPort)).toMatchObject({
    ...{ listener: 'tls', host: 'a', phase: 'serve', serverName: 'a.test', tlsVersion: 'TLSv1.3', resumed: false },
    ...{
      local: `127.0.0.1:${engine.tls.port}`,
      receivedBytes: 5,
      sentBytes: 5,
      cipher: expect.stringMatching(/^TLS_/),
    },
  })
  expect(of(plain.socket.localPort)).toMatchObject({
    ...{ listener: 'plain', host: 'a', phase: 'serve', receivedBytes: 11, sentBytes: 11 },
  })
  expect(of(plain.socket.localPort)).not.toHaveProperty('tlsVersion')
  expect(of(silent.socket.localPort)).toMatchObject({ listener: 'tls', host: '', phase: 'greet', receivedBytes: 0 })
  for (const { ageMs, idleMs } of clients) {
    expect(ageMs).toBeGreaterThanOrEqual(idleMs)
    expect(ageMs).toBeLessThan(30_000)
  }
})

test('they are filtered and sorted, and an empty list says so', async () => {
  await using engine = await startTwoDoors()
  await using one = await engine.plain.connect()
  await using two = await engine.tls.connect({ localAddress: '127.0.0.2' })
  await using three = await engine.plain.connect({ localAddress: '127.0.0.10' })
  await ask(one, 'x')
  await ask(two, 'xxx')
  await ask(three, 'xx')
  const received = async (...args: string[]) => (await list(engine, ...args)).map(({ receivedBytes }) => receivedBytes)

  expect(await received('--listener', 'plain', '--sort', 'received')).toEqual([1, 2])
  expect(await received('--listener', 'tls')).toEqual([3])
  expect(await received('--host', 'a', '--sort=-received')).toEqual([3, 2, 1])
  expect(await received('--peer', '127.0.0.2')).toEqual([3])
  expect(await received('--peer', '127.0.0.0/29', '--sort', 'peer')).toEqual([1, 3])
  expect(await received('--peer', `127.0.0.10:${three.socket.localPort}`)).toEqual([2])
  expect(await received('--sort', 'id')).toEqual([1, 3, 2])

  const none = await control(engine, 'clients', '--peer', '192.0.2.1')
  expect([none.code, none.stdout]).toEqual([0, 'No clients fit.\n'])
  const wrong = await control(engine, 'clients', '--listener', 'plian')
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    'Cannot run the command: there is no listener "plian"\nhint: did you mean "plain"? there are tls, plain\n',
  ])
})

test('the table has a line per client, without colours in a pipe', async () => {
  await using engine = await startTwoDoors()
  expect((await control(engine, 'clients')).stdout).toBe('No clients.\n')
  await using client = await engine.tls.connect()
  await ask(client)
  const { stdout } = await control(engine, 'clients')
  const [titles, row, end] = stdout.split('\n')
  expect(titles).toMatch(/^ID +LISTENER +HOST +PEER +PHASE +AGE +IDLE +RECEIVED +SENT +TLS +SERVER-NAME +BACKEND$/)
  expect(row).toMatch(/^c-\w+ +tls +a +127\.0\.0\.1:\d+ +serve +\d+s +\d+s +5B +5B +TLSv1\.3 +a\.test +echo$/)
  expect([end, stdout.includes('\u001b')]).toEqual(['', false])
  const wide = (await control(engine, 'clients', '-o', 'wide')).stdout
  expect(wide).toContain('TLS_AES_')
  expect(wide).toContain(`127.0.0.1:${engine.tls.port}`)
})

describe('disconnect', () => {
  test('closes the clients named and no other; the log has the reason', async () => {
    await using engine = await startTwoDoors()
    await using tls = await engine.tls.connect()
    await using plain = await engine.plain.connect()
    await using other = await engine.plain.connect()
    for (const client of [tls, plain, other]) await ask(client)
    const clients = await list(engine)
    const ids = [tls, plain].map(
      ({ socket }) => clients.find(({ peer }) => peer === `127.0.0.1:${socket.localPort}`)?.clientId ?? '',
    )
    const { code, stdout } = await control(engine, 'disconnect', ...ids)
    expect([code, stdout]).toEqual([0, ids.map((id) => `${id} is disconnected.\n`).join('')])
    await tls.toEnd()
    await plain.toEnd()
    for (const clientId of ids) {
      const line = await engine.waitForLog((one) => one.message === 'client closed' && one.clientId === clientId)
      expect(line).toMatchObject({ reason: 'Disconnected', host: 'a', receivedBytes: 5, sentBytes: 5 })
    }
    expect(await ask(other)).toBe('hello')
    expect((await list(engine)).map(({ peer }) => peer)).toEqual([`127.0.0.1:${other.socket.localPort}`])
    expect((await engine.metrics()).sum('socketserver_connections_closed_total', { reason: 'Disconnected' })).toBe(2)
  })

  test('closes a client in the middle of its handshake', async () => {
    await using engine = await startTwoDoors()
    await using silent = await connectRaw({ port: engine.tls.port })
    const [client] = await eventually(async () => {
      const clients = await list(engine)
      expect(clients).toHaveLength(1)
      return clients
    })
    expect((await control(engine, 'disconnect', client?.clientId ?? '')).code).toBe(0)
    await silent.closed(5_000)
    await eventually(async () => expect((await engine.status()).clients).toBe(0))
  })

  test('says which client there is not, closes the others, and ends with 1', async () => {
    await using engine = await startTwoDoors()
    await using client = await engine.plain.connect()
    await ask(client)
    const [{ clientId } = { clientId: '' }] = await list(engine)
    const { code, stdout } = await control(engine, 'disconnect', 'c-zzz', clientId)
    expect(code).toBe(1)
    expect(stdout).toBe(`${clientId} is disconnected.\nThere is no client "c-zzz".\n`)
    await client.toEnd()
    expect(await controlJson(engine, 'disconnect', clientId)).toEqual({ disconnected: [], notFound: [clientId] })
  })
})

describe('clients --watch', () => {
  test('shows clients that come and go on a terminal, and q leaves it as it was', async () => {
    await using engine = await startTwoDoors()
    const path = await controlPath(engine)
    await using watch = await runOnTerminal(['clients', '-w', '--interval', '0.2', '--control', path])
    await eventually(() => expect(watch.written()).toContain('No clients.'), { withinMs: 15_000 })
    {
      await using client = await engine.tls.connect()
      await ask(client)
      await eventually(() => expect(watch.written()).toContain('a.test'))
    }
    const before = watch.written().length
    await eventually(() => expect(watch.written().slice(before)).toContain('No clients.'))
    watch.type('q')
    expect(await watch.ended()).toBe(0)
    expect(afterScreen(watch)).toContain('[exit 0]')
  })

  test('ends with a cause when the engine does', async () => {
    await using engine = await startTwoDoors()
    const path = await controlPath(engine)
    await using watch = await runOnTerminal(['clients', '-w', '--interval', '0.2', '--control', path])
    await eventually(() => expect(watch.written()).toContain('No clients.'), { withinMs: 15_000 })
    await engine.stop()
    expect(await watch.ended()).toBe(2)
    expect(afterScreen(watch)).toContain('Cannot reach the engine: ')
  })

  test('in a pipe prints one table below the other, and ends when nobody reads', async () => {
    await using engine = await startTwoDoors()
    const path = await controlPath(engine)
    const words = [...commandLine(), 'clients', '-w', '--interval', '0.1', '--control', path]
    const child = await startChild(['sh', '-c', `"$@" | head -n 3; echo over`, 'sh', ...words])
    const { stdout } = child.process
    if (stdout === null) throw new Error('the pipe is missing')
    expect(await within(20_000, 'the end of the pipeline', text(stdout))).toBe('No clients.\n\nNo clients.\nover\n')
  })
})
