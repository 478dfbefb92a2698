import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { echo, startBackend } from '../support/backend.ts'
import type { LogLine } from '../support/engine-output.ts'
import { eventually } from '../support/eventually.ts'
import { forward, host, listener } from '../support/manifest.ts'
import { freePort } from '../support/ports.ts'
import { connectRaw } from '../support/raw-client.ts'
import { engineRuntime } from '../support/runtime.ts'
import { connectTls } from '../support/tls-client.ts'
import { startTlsEngine, type TlsEngine } from '../support/tls-engine.ts'
import { createWorkspace, type Workspace } from '../support/workspace.ts'

/** Stands in for the module of the handler Echo inside the engine: it fails in the way the host is called. */
const FAULTY_ECHO = `
  import net from 'node:net'
  const boom = (where) => { throw new Error('boom in ' + where) }
  const FAULTS = {
    'at-once': () => boom('serve'),
    'later': async () => { await new Promise((go) => setTimeout(go, 50)); boom('a rejected serve') },
    'in-event': (client) => { client.stream.on('data', () => boom('a listener')).resume() },
    'in-timer': () => void setTimeout(() => boom('a timer'), 50),
    'in-promise': () => void Promise.resolve().then(() => boom('a promise')),
    'in-end': (client) => { client.stream.on('end', () => boom('a listener of end')).resume() },
    'on-close': (client) => { client.onClose = () => boom('onClose'); client.stream.pipe(client.stream) },
  }
  export function createEcho() {
    return {
      serve(client) {
        const fault = FAULTS[client.hostTag.replace('plain-', '')]
        if (fault) return fault(client)
        client.stream.pipe(client.stream)
      },
    }
  }
`
const PRELOAD = `
  const source = ${JSON.stringify(FAULTY_ECHO)}
  const isEcho = /\\/sidecar\\/handlers\\/echo\\.ts$/
  if (globalThis.Bun) {
    const loader = 'js'
    Bun.plugin({ name: 'faulty echo', setup: (build) => build.onLoad({ filter: isEcho }, () => ({ contents: source, loader })) })
  } else {
    const { registerHooks } = await import('node:module')
    registerHooks({
      load: (url, context, next) => isEcho.test(url) ? { format: 'module', shortCircuit: true, source } : next(url, context),
    })
  }
`

/** Where the exception comes from, and the bytes a client sends to cause it. */
const FAULTS = {
  'at-once': 'serve',
  later: 'a rejected serve',
  'in-event': 'a listener',
  'in-timer': 'a timer',
  'in-end': 'a listener of end',
} as const

let workspace: Workspace
let engine: TlsEngine
let plainPorts: Readonly<Record<string, number>>
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  workspace = await createWorkspace()
  const preload = await workspace.write('preload.mjs', PRELOAD)
  env = engineRuntime === 'bun' ? { BUN_OPTIONS: `--preload ${preload}` } : { NODE_OPTIONS: `--import ${preload}` }
  const tags = [...Object.keys(FAULTS), 'in-promise', 'on-close']
  plainPorts = Object.fromEntries(
    await Promise.all([...tags, 'good'].map(async (tag) => [tag, await freePort()] as const)),
  )
  const plain = Object.entries(plainPorts)
  engine = await startTlsEngine(
    [
      ...[...tags, 'good'].map((hostTag) => host({ hostTag, listeners: ['tls'] })),
      ...plain.map(([tag]) => ({
        ...{ hostTag: `plain-${tag}`, default: true, listeners: [tag] },
        handler: { type: 'Echo' },
      })),
    ],
    {
      moreListeners: plain.map(([name, port]) => listener({ name, port, tls: false })),
      env,
    },
  )
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

const good = () => connectTls({ port: engine.port, servername: 'good.test', ca: engine.authority.cert })

async function goodIsServed(): Promise<void> {
  await using client = await good()
  expect(await client.request('hello')).toBe('hello')
  await using plain = await connectRaw({ port: plainPorts['good'] as number })
  await plain.send('plain')
  expect((await plain.bytes(5)).toString()).toBe('plain')
}

function expectBlame(line: LogLine, tag: string, where: string): void {
  expect(line).toMatchObject({ level: 'error', host: tag, reason: 'HandlerFailed' })
  // With the place it came from, for whoever mends it.
  expect(line['detail']).toMatch(new RegExp(`boom in ${where}[\\s\\S]*echo\\.ts`))
}

describe.each(Object.entries(FAULTS))('an exception %s', (tag, where) => {
  test('closes its TLS client, is counted, and nobody else notices', async () => {
    await using bystander = await good()
    await using client = await connectTls({ port: engine.port, servername: `${tag}.test` })
    client.socket.end('x')
    await client.toEnd()
    expectBlame(await engine.closeLine(client.origin), tag, where)
    expect(await engine.closed('HandlerFailed', tag)).toBe(1)
    expect(await bystander.request('still here')).toBe('still here')
    await goodIsServed()
  })

  test('closes its plain client, is counted, and nobody else notices', async () => {
    await using client = await connectRaw({ port: plainPorts[tag] as number })
    client.socket.end('x')
    await client.toEnd()
    expectBlame(await engine.closeLine(client.origin), `plain-${tag}`, where)
    expect(await engine.closed('HandlerFailed', `plain-${tag}`)).toBe(1)
    await goodIsServed()
  })
})

test('an exception in a promise that nobody awaits closes its client', async () => {
  await using client = await connectTls({ port: engine.port, servername: 'in-promise.test' })
  await client.toEnd()
  expectBlame(await engine.closeLine(client.origin), 'in-promise', 'a promise')
  await goodIsServed()
})

test('an exception while a client is being closed leaves no client behind', async () => {
  for (let i = 0; i < 3; i += 1) {
    const client = await connectTls({ port: engine.port, servername: 'on-close.test' })
    expect(await client.request('hello')).toBe('hello')
    client.socket.destroy()
    expectBlame(await engine.closeLine(client.origin), 'on-close', 'onClose')
  }
  await goodIsServed()
})

test('an exception in a timer of a worker closes its client, and the worker goes on', async () => {
  const tags = ['in-timer', 'good']
  const hosts = tags.map((hostTag) => host({ hostTag, listeners: ['tls'] }))
  await using several = await startTlsEngine(hosts, { args: ['--workers', '2'], env })
  const connect = (tag: string) =>
    connectTls({ port: several.port, servername: `${tag}.test`, ca: several.authority.cert })
  await using bystander = await connect('good')
  await using client = await connect('in-timer')
  await client.toEnd()
  expectBlame(await several.closeLine(client.origin), 'in-timer', 'a timer')
  expect(await bystander.request('still here')).toBe('still here')
})

test('after all of that the process is the same, and no client is left', async () => {
  expect(engine.ended()).toBe(false)
  await goodIsServed()
  await eventually(async () => expect((await engine.status()).clients).toBe(0), { withinMs: 10_000 })
})

test('a backend that resets amid an answer costs its client alone', async () => {
  await using steady = await startBackend(echo)
  await using rude = await startBackend(
    ({ socket }) => void socket.once('data', () => (socket as Socket).resetAndDestroy()),
  )
  await using own = await startTlsEngine([
    host({ hostTag: 'steady', handler: forward([steady.backend]) }),
    host({ hostTag: 'rude', handler: forward([rude.backend]) }),
  ])
  await using client = await connectTls({ port: own.port, servername: 'steady.test' })
  expect(await client.request('before')).toBe('before')
  for (let i = 0; i < 20; i += 1) {
    await using victim = await connectTls({ port: own.port, servername: 'rude.test' })
    victim.socket.write('x')
    await victim.toEnd()
    expect(await own.closeLine(victim.origin)).toMatchObject({ host: 'rude', reason: 'BackendReset' })
  }
  expect(await client.request('after')).toBe('after')
  expect((await own.metrics()).sum('socketserver_defects_total')).toBe(0)
})
