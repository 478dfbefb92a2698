import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startEngine } from '../support/engine-process.ts'
import { listener, socketServer } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'

const echoes = { hostTag: 'echo', default: true, handler: { type: 'Echo' } }

async function isRefused(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true
    throw error
  } finally {
    socket.destroy()
  }
}

async function echoed(host: string, port: number): Promise<string> {
  await using client = await connectRaw({ host, port })
  await client.send('hello')
  return (await client.bytes(5)).toString()
}

test('two listeners with an address and a port each serve at once', async () => {
  const [one, two] = [await freePort(), await freePort()]
  await using engine = await startEngine({
    manifest: socketServer({
      listeners: [
        listener({ name: 'one', port: one, tls: false }),
        listener({ name: 'two', port: two, tls: false, address: '127.0.0.2', listenBacklog: 16 }),
      ],
      icsHosts: [echoes],
    }),
  })

  expect(await echoed('127.0.0.1', one)).toBe('hello')
  expect(await echoed('127.0.0.2', two)).toBe('hello')
  expect(await isRefused('127.0.0.2', one)).toBe(true)
  expect(await isRefused('127.0.0.1', two)).toBe(true)
  const { listeners } = await engine.status()
  expect(listeners).toMatchObject([
    { name: 'one', state: 'Listening', address: '127.0.0.1', port: one, error: '' },
    { name: 'two', state: 'Listening', address: '127.0.0.2', port: two, error: '' },
  ])
})

const families = {
  'Any serves IPv6 and IPv4': ['Any', { '127.0.0.1': true, '::1': true }],
  'IPv4 serves IPv4 alone': ['IPv4', { '127.0.0.1': true, '::1': false }],
  'IPv6 serves IPv6 alone': ['IPv6', { '127.0.0.1': false, '::1': true }],
} as const

for (const [name, [socketFamily, served]] of Object.entries(families)) {
  test(`the family ${name} on the address "::"`, async () => {
    const port = await freePort()
    await using _ = await startEngine({
      manifest: socketServer({
        listeners: [listener({ port, tls: false, address: '::', socketFamily })],
        icsHosts: [echoes],
      }),
    })
    for (const [address, isServed] of Object.entries(served)) {
      if (isServed) expect(await echoed(address, port)).toBe('hello')
      else expect(await isRefused(address, port)).toBe(true)
    }
  })
}

test('two listeners of one port and a family each do not disturb each other', async () => {
  const port = await freePort()
  await using engine = await startEngine({
    manifest: socketServer({
      listeners: [
        listener({ name: 'four', port, tls: false, address: '0.0.0.0', socketFamily: 'IPv4' }),
        listener({ name: 'six', port, tls: false, address: '::', socketFamily: 'IPv6' }),
      ],
      icsHosts: [echoes],
    }),
  })
  expect(await echoed('127.0.0.1', port)).toBe('hello')
  expect(await echoed('::1', port)).toBe('hello')
  await engine.waitForLog((line) => line.message === 'client closed' && line.listener === 'four')
  await engine.waitForLog((line) => line.message === 'client closed' && line.listener === 'six')
})

test('a listener with a handler of its own serves without any host', async () => {
  const port = await freePort()
  await using _ = await startEngine({
    manifest: socketServer({ listeners: [listener({ port, tls: false, handler: { type: 'Echo' } })] }),
  })
  expect(await echoed('127.0.0.1', port)).toBe('hello')
})
