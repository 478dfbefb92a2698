import { expect, test } from 'vitest'
import type { RatesReport } from '../../../sidecar/cli/rates.ts'
import { afterScreen, control, controlJson, controlPath, runOnTerminal } from '../../support/control.ts'
import { eventually } from '../../support/eventually.ts'
import { ask, startTwoDoors, type TwoDoors } from '../../support/two-doors.ts'

/** Connects, asks and leaves again and again on the TLS listener; resolves with how often. */
async function load(engine: TwoDoors, until: Promise<unknown>): Promise<number> {
  let isOver = false
  void until.then(() => {
    isOver = true
  })
  let count = 0
  while (!isOver) {
    await using client = await engine.tls.connect()
    await ask(client, 'x'.repeat(1000))
    count += 1
  }
  return count
}

test('the rates of each listener and host are what clients do', async () => {
  await using engine = await startTwoDoors()
  await using standing = await engine.plain.connect()
  await ask(standing)
  const asked = controlJson<RatesReport>(engine, 'top', '--interval', '3')
  const served = await load(engine, asked)
  const { seconds, listeners, hosts, clients } = await asked
  expect(seconds).toBeGreaterThanOrEqual(2.9)
  expect(clients).toBeGreaterThanOrEqual(1)
  const [tls, plain] = listeners
  expect([tls?.name, plain?.name, hosts[0]?.name]).toEqual(['tls', 'plain', 'a'])
  for (const rate of [tls, hosts[0]]) {
    // All of the load may have fallen into the time between the looks, or some of it.
    const [connections, handshakes] = [rate?.connectionsPerSecond ?? 0, rate?.handshakesPerSecond ?? 0]
    expect(connections).toBeGreaterThan(0)
    expect(connections * seconds).toBeLessThanOrEqual(served + 1)
    expect(Math.abs(handshakes - connections) * seconds).toBeLessThanOrEqual(2)
    // 1000 bytes each way per connection.
    expect(Math.abs((rate?.receivedBytesPerSecond ?? 0) - connections * 1000) * seconds).toBeLessThanOrEqual(2000)
    expect(Math.abs((rate?.sentBytesPerSecond ?? 0) - connections * 1000) * seconds).toBeLessThanOrEqual(2000)
  }
  expect(plain).toMatchObject({ clients: 1, connectionsPerSecond: 0, handshakesPerSecond: 0 })
})

test('the bytes of a connection that stays are counted while it moves them', async () => {
  await using engine = await startTwoDoors()
  await using client = await engine.plain.connect()
  const asked = controlJson<RatesReport>(engine, 'top', '--interval', '3')
  let isOver = false
  void asked.then(() => {
    isOver = true
  })
  while (!isOver) await ask(client, 'x'.repeat(100))
  const { listeners } = await asked
  expect(listeners[1]?.receivedBytesPerSecond).toBeGreaterThan(100)
  expect(listeners[1]?.connectionsPerSecond).toBe(0)
})

test('not on a terminal it is one plain table', async () => {
  await using engine = await startTwoDoors()
  const { code, stdout } = await control(engine, 'top', '--interval', '0.1')
  expect(code).toBe(0)
  const [first, , titles, tls, plain, , hostTitles, host, end] = stdout.split('\n')
  expect(first).toMatch(/^edge: 0 clients, up \d+s$/)
  expect(titles).toMatch(/^LISTENER {2}CLIENTS {2}CONN\/S {2}HANDSHAKES\/S {2}RECEIVED\/S {2}SENT\/S$/)
  expect(tls).toMatch(/^tls +0 +0 +0 +0B +0B$/)
  expect(plain).toMatch(/^plain +0 +0 +0 +0B +0B$/)
  expect(hostTitles).toMatch(/^HOST {6}CLIENTS {2}CONN\/S /)
  expect(host).toMatch(/^a +0 +0 +0 +0B +0B$/)
  expect([end, stdout.includes('\u001b')]).toEqual(['', false])
  expect((await control(engine, 'top', '--interval', '0.1', '-o', 'yaml')).stdout).toMatch(
    /^listeners:\n {2}- name: tls$/m,
  )
})

test.each([
  ['q', {}, true],
  ['\u0003', { NO_COLOR: '1' }, false],
])('on a terminal it is drawn again and again until %j', async (key, env, hasColours) => {
  await using engine = await startTwoDoors()
  const path = await controlPath(engine)
  await using top = await runOnTerminal(['top', '--interval', '0.2', '--control', path], env)
  await eventually(() => expect(top.written()).toContain('edge'), { withinMs: 15_000 })
  {
    await using client = await engine.tls.connect()
    await ask(client)
    await eventually(() => expect(top.written()).toContain(': 1 client,'))
  }
  const before = top.written().length
  await eventually(() => expect(top.written().slice(before)).toContain(': 0 clients,'))
  top.type(key)
  expect(await top.ended()).toBe(0)
  expect(afterScreen(top)).toContain('[exit 0]')
  expect(top.written().includes('\u001b[1mLISTENER')).toBe(hasColours)
})
