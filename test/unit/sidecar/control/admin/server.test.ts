import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { type AdminPages, type AdminServer, openAdminServer } from '../../../../../sidecar/control/admin/server.ts'

const pages: AdminPages = {
  readiness: async () => ({ ready: false, lines: ['listener "a" does not listen'] }),
  metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
  status: async () => ({ name: 'edge' }),
}
const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1')
let server: AdminServer | undefined
const errors: unknown[] = []
const open = async (changes: Partial<AdminPages> = {}) => {
  server = await openAdminServer({ address: '127.0.0.1', port: 0 }, { ...pages, ...changes }, (error) =>
    errors.push(error),
  )
  return `http://127.0.0.1:${server.port}`
}
afterEach(() => server?.close())

/** Sends raw bytes and resolves with the whole answer. */
const raw = async (bytes: string): Promise<string> => {
  const socket = connect(server?.port ?? 0, '127.0.0.1')
  socket.write(bytes)
  return await text(socket)
}

describe('the admin surface', () => {
  test.each([
    ['/livez', 200, 'ok\n'],
    ['/readyz', 503, 'not ready\nlistener "a" does not listen\n'],
    ['/readyz?verbose=1', 503, 'not ready\nlistener "a" does not listen\n'],
    ['/metrics', 200, 'up 1\n'],
    ['/status', 200, '{\n  "name": "edge"\n}\n'],
    ['/secrets', 404, 'not found; "/" lists what there is\n'],
    ['/../../etc/passwd', 404, 'not found; "/" lists what there is\n'],
  ])('answers %s with %i', async (path, code, body) => {
    const response = await fetch((await open()) + path)
    expect([response.status, await response.text()]).toEqual([code, body])
  })

  test('lists what there is at "/"', async () => {
    const body = await (await fetch(await open())).text()
    for (const path of ['/livez', '/readyz', '/metrics', '/status']) expect(body).toContain(path)
  })

  test('says ok when it is ready', async () => {
    const response = await fetch(`${await open({ readiness: async () => ({ ready: true, lines: [] }) })}/readyz`)
    expect([response.status, await response.text()]).toEqual([200, 'ok\n'])
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses the method %s on every path', async (method) => {
    const response = await fetch(`${await open()}/livez`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  test('answers HEAD without a body', async () => {
    const response = await fetch(`${await open()}/status`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  test('a page that fails is a 500 that tells nothing of the cause, which goes to the log', async () => {
    const failure = new Error('secret cause')
    const response = await fetch(`${await open({ status: () => Promise.reject(failure) })}/status`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret cause')
    expect(errors.at(-1)).toBe(failure)
  })

  test('refuses a header larger than its limit', async () => {
    await open()
    expect(await raw(`GET /livez HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /)
  })

  test('answers nonsense with 400', async () => {
    await open()
    expect(await raw('\x16\x03\x01nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  test('cuts off a client that sends no request', { timeout: 15_000 }, async () => {
    await open()
    const socket = connect(server?.port ?? 0, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /livez HTTP/1.1\r\n')
    socket.resume()
    await once(socket, 'close')
  })

  test('"::" is every address, of IPv4 as well', async () => {
    const every = await openAdminServer({ address: '::', port: 0 }, pages, () => {})
    try {
      for (const host of ['127.0.0.1', ...(hasIPv6 ? ['[::1]'] : [])])
        expect((await fetch(`http://${host}:${every.port}/livez`)).status).toBe(200)
    } finally {
      every.close()
    }
  })

  test('a port in use is told with the cause and the cure', async () => {
    await open()
    const second = openAdminServer({ address: '127.0.0.1', port: server?.port ?? 0 }, pages, () => {})
    await expect(second).rejects.toMatchObject({
      code: 'SS_CANNOT_LISTEN',
      message: `Cannot listen: the admin address "127.0.0.1:${server?.port}" is in use`,
      hint: expect.stringContaining('--admin'),
    })
  })

  test('an address of another machine is told', async () => {
    const failed = openAdminServer({ address: '192.0.2.1', port: 0 }, pages, () => {})
    await expect(failed).rejects.toMatchObject({
      code: 'SS_CANNOT_LISTEN',
      message: expect.stringContaining('not an address of this machine'),
    })
  })
})
