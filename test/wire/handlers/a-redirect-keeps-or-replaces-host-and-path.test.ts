import { describe, expect, test } from 'vitest'
import { curl, curlMissing } from '../../support/curl.ts'
import { type Edge, startEdge } from '../../support/edge.ts'
import type { Part } from '../../support/manifest.ts'
import { connectRaw } from '../../support/raw-client.ts'

const startRedirect = (redirect: Part | undefined, tls = false): Promise<Edge> =>
  startEdge({ listener: { tls }, hosts: [{ handler: { type: 'Redirect', ...(redirect ? { redirect } : {}) } }] })

/** Status and Location of the answer to a request, and whether the connection ended behind it. */
async function ask(edge: Edge, request: string, tls = false) {
  await using client = tls ? await edge.connect() : await edge.connectPlain()
  client.socket.write(request)
  const text = (await client.toEnd()).toString()
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]),
    location: /^Location: (.*)\r$/m.exec(text)?.[1],
    text,
  }
}

const get = (path: string, host: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

const CASES: Readonly<
  Record<string, { redirect?: Part; path: string; host: string; status: number; location: string }>
> = {
  'without settings it is 302 to the same host and path': {
    path: '/cart?a=1',
    host: 'shop.test:8080',
    status: 302,
    location: 'http://shop.test:8080/cart?a=1',
  },
  'to TLS, with host and path kept': {
    redirect: { scheme: 'https', statusCode: 308 },
    path: '/cart?a=1&b=%20',
    host: 'shop.test',
    status: 308,
    location: 'https://shop.test/cart?a=1&b=%20',
  },
  'to another host, with path kept': {
    redirect: { scheme: 'https', hostname: 'www.shop.test', statusCode: 301 },
    path: '/cart',
    host: 'shop.test:8080',
    status: 301,
    location: 'https://www.shop.test/cart',
  },
  'to another path, with host kept': {
    redirect: { path: '/moved', statusCode: 303 },
    path: '/cart?a=1',
    host: 'shop.test:8080',
    status: 303,
    location: 'http://shop.test:8080/moved',
  },
  'to another port': {
    redirect: { scheme: 'https', port: 8443, statusCode: 307 },
    path: '/',
    host: 'shop.test',
    status: 307,
    location: 'https://shop.test:8443/',
  },
  'with everything replaced': {
    redirect: { scheme: 'https', hostname: 'www.shop.test', port: 443, path: '/new', statusCode: 308 },
    path: '/old',
    host: 'shop.test',
    status: 308,
    location: 'https://www.shop.test/new',
  },
}

describe('a redirect', () => {
  test.each(Object.entries(CASES))('%s', async (_name, { redirect, path, host, status, location }) => {
    await using edge = await startRedirect(redirect)
    expect(await ask(edge, get(path, host))).toMatchObject({ status, location })
    const line = await edge.engine.waitForLog((one) => one.message === 'client closed')
    expect(line).toMatchObject({ reason: 'Completed', backend: 'redirect' })
  })

  test('works inside TLS, and keeps https there', async () => {
    await using edge = await startRedirect({ hostname: 'www.shop.test', statusCode: 308 }, true)
    const answer = await ask(edge, get('/cart', 'a.test'), true)
    expect(answer).toMatchObject({ status: 308, location: 'https://www.shop.test/cart' })
  })

  test.skipIf(curlMissing)('is followed by curl', async () => {
    await using to = await startRedirect({ path: '/end', statusCode: 301 })
    await using from = await startRedirect({ port: to.port, statusCode: 307 })
    const url = `http://127.0.0.1:${from.port}/start`
    const format = ['-o', '/dev/null', '-w', '%{url_effective} %{redirect_url}']
    const told = await curl(['-L', '--max-redirs', '1', ...format, url]).catch(
      (error: { stdout: string }) => error.stdout,
    )
    const end = `http://127.0.0.1:${to.port}`
    expect(told).toBe(`${end}/start ${end}/end`)
  })

  test('answers HEAD without a body, and a request in pieces', async () => {
    await using edge = await startRedirect({ scheme: 'https' })
    const head = await ask(edge, 'HEAD /x HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    expect(head).toMatchObject({ status: 302, location: 'https://shop.test/x' })
    expect(head.text).toMatch(/\r\n\r\n$/)
    await using client = await connectRaw({ port: edge.port })
    await client.send([...get('/x', 'shop.test')], 1)
    expect((await client.toEnd()).toString()).toContain('Location: https://shop.test/x\r\n')
  })

  test('answers what is no HTTP with 400, and what never ends with 431', async () => {
    await using edge = await startRedirect({ scheme: 'https' })
    expect(await ask(edge, 'nonsense\r\n\r\n')).toMatchObject({ status: 400, location: undefined })
    expect(await ask(edge, get('/x', 'a b'))).toMatchObject({ status: 400, location: undefined })
    expect(await ask(edge, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`)).toMatchObject({ status: 431 })
    // No header can be made to appear in the answer by what is asked.
    const answer = await ask(edge, 'GET /\x0bSet-Cookie:a HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    expect(answer.text).not.toContain('Set-Cookie')
  })
})
