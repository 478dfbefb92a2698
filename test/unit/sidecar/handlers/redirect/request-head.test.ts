import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endOfHead, parseRequestHead } from '../../../../../sidecar/handlers/redirect/request-head.ts'

const parse = (text: string) => parseRequestHead(Buffer.from(text, 'latin1'))

describe('a request head', () => {
  test.each([
    ['GET /a?b HTTP/1.1\r\nHost: shop.example\r\n\r\n', 'GET', '/a?b', 'shop.example'],
    ['HEAD / HTTP/1.0\r\n\r\n', 'HEAD', '/', ''],
    ['\r\n\r\nGET / HTTP/1.1\r\nhost:shop.example \r\nX-Y: \xe4\r\n\r\n', 'GET', '/', 'shop.example'],
    ['GET / HTTP/1.1\nHOST:\tshop.example\n\n', 'GET', '/', 'shop.example'],
    ['GET http://other.example/a HTTP/1.1\r\nHost: shop.example\r\n\r\n', 'GET', '/a', 'other.example'],
    ['GET HTTPS://other.example?b HTTP/1.1\r\nHost: shop.example\r\n\r\n', 'GET', '/?b', 'other.example'],
    ['OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n', 'OPTIONS', '/', 'shop.example'],
    ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 'GET', '/', ''],
  ])('%j', (text, method, path, authority) => {
    expect(endOfHead(Buffer.from(text, 'latin1'))).toBe(text.length)
    expect(parse(text)).toEqual({ kind: 'head', head: { method, path, authority } })
  })

  test.each([
    ['GET /\r\n\r\n', 400],
    ['GET / HTTP/1.1 \r\n\r\n', 400],
    ['GET  / HTTP/1.1\r\n\r\n', 400],
    ['G(T / HTTP/1.1\r\n\r\n', 400],
    ['GET /\xe4 HTTP/1.1\r\n\r\n', 400],
    ['GET /a\rb HTTP/1.1\r\n\r\n', 400],
    ['GET /#x HTTP/1.1\r\n\r\n', 400],
    ['GET a HTTP/1.1\r\n\r\n', 400],
    ['GET ftp://a/ HTTP/1.1\r\n\r\n', 400],
    ['CONNECT a:1 HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nX: a\0b\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nno colon\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 505],
    ['PRI * HTTP/2.0\r\n\r\n', 505],
    ['\x16\x03\x01\n\n', 400],
  ])('%j is refused', (text, status) => {
    expect(parse(text)).toMatchObject({ kind: 'refuse', status })
  })

  test('ends where it ends, however it was cut', () => {
    const text = Buffer.from('\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nbody\n\n')
    const end = text.indexOf('body')
    fc.assert(
      fc.property(fc.nat(end - 1), (cut) => {
        expect(endOfHead(text.subarray(0, cut))).toBe(-1)
        expect(endOfHead(text, cut)).toBe(end)
      }),
    )
  })

  test('whatever comes gets a verdict, and what is taken cannot break a line', () => {
    const line = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
    const start = fc.constantFrom('', 'GET ', 'GET / HTTP/1.1\r\n', 'GET http://')
    fc.assert(
      fc.property(start, fc.array(line), (first, lines) => {
        const verdict = parse(`${first}${lines.join('\r\n')}\r\n\r\n`)
        if (verdict.kind === 'head') expect(Object.values(verdict.head).join('')).not.toMatch(/[\r\n]/)
      }),
      { numRuns: 1000 },
    )
  })
})
