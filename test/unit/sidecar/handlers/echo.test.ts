import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createEcho } from '../../../../sidecar/handlers/echo.ts'
import { serveClients } from './serve-client.ts'

test('every byte is sent back, and the end is answered by the end', async () => {
  await using server = await serveClients(createEcho())
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  const sent = 'abc'.repeat(100_000)
  client.end(sent)
  expect(await text(client)).toBe(sent)
  expect(await server.nextRecord()).toMatchObject({
    reason: 'Completed',
    receivedBytes: 300_000,
    sentBytes: 300_000,
    backend: 'echo',
  })
})
