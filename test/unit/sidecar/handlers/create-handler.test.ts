import { describe, expect, test } from 'vitest'
import type { HandlerSpec } from '../../../../crds/index.ts'
import { createHandler } from '../../../../sidecar/handlers/create-handler.ts'
import { echo, greet, startBackend } from '../../../support/backend.ts'
import { connectRaw } from '../../../support/raw-client.ts'
import { forwardSpec } from './forward-spec.ts'
import { serveClients } from './serve-client.ts'

const create = (spec: HandlerSpec) => createHandler(spec, { namespace: undefined, connectMs: 5_000, log: () => {} })

/** What a client of the handler gets for a request. */
async function answer(spec: HandlerSpec): Promise<string> {
  await using server = await serveClients(create(spec))
  await using client = await connectRaw({ port: server.port })
  client.socket.end('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  return (await client.toEnd()).toString()
}

describe('a handler is what its type says', () => {
  test('Forward and Passthrough', async () => {
    await using backend = await startBackend(greet('forwarded '))
    expect(await answer({ type: 'Forward', forward: forwardSpec([backend]) })).toContain('forwarded GET /x')
    expect(await answer({ type: 'Passthrough', passthrough: forwardSpec([backend]) })).toContain('forwarded GET /x')
  })

  test('Redirect, with and without its member', async () => {
    expect(await answer({ type: 'Redirect' })).toContain('302 Found')
    expect(await answer({ type: 'Redirect', redirect: { statusCode: 301 } })).toContain('301 Moved')
  })

  test('Echo', async () => {
    expect(await answer({ type: 'Echo' })).toBe('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  })

  test.each(['Forward', 'Passthrough'] as const)('%s needs its member', (type) => {
    expect(() => create({ type })).toThrow(TypeError)
  })

  test('those with backends tell of them', async () => {
    await using backend = await startBackend(echo)
    expect(create({ type: 'Forward', forward: forwardSpec([backend]) })).toHaveProperty('backends')
    expect(create({ type: 'Echo' })).not.toHaveProperty('backends')
  })
})
