import { describe, expect, test } from 'vitest'
import { beginsRequest, HttpTurns } from '../../../../sidecar/handlers/http-turns.ts'

test.each([
  ['GET / HTTP/1.1\r\n', true],
  ['OPTIONS * HTTP/1.1\r\n', true],
  ['hello', false],
  ['EHLO mail.test\r\n', true], // told apart by its answers, which are none of HTTP
  ['\x16\x03\x01\x02\x00', false],
  ['', false],
])('%j begins a request: %s', (text, expected) => {
  expect(beginsRequest(Buffer.from(text, 'latin1'))).toBe(expected)
})

/** Asks once, is answered in these pieces, and tells after each whether the client waits for nothing. */
function answered(...pieces: readonly string[]): boolean[] {
  const turns = new HttpTurns()
  // An answer before it, so that the bytes sent do not begin at 0.
  let sent = 100
  turns.asked()
  return pieces.map((piece) => {
    const chunk = Buffer.from(piece, 'latin1')
    turns.answered(chunk, sent)
    sent += chunk.length
    return turns.isBetweenRequests(sent)
  })
}

describe('a client waits for nothing', () => {
  test('before it asks, and not once it does', () => {
    const turns = new HttpTurns()
    expect(turns.isBetweenRequests(0)).toBe(true)
    turns.asked()
    expect(turns.isBetweenRequests(0)).toBe(false)
  })

  test.each<[string, readonly string[], readonly boolean[]]>([
    ['its length is there', ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'], [true]],
    ['in pieces', ['HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\n', 'he', 'llo'], [false, false, true]],
    ['more than its length', ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello'], [false]],
    ['no body', ['HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n'], [true]],
    ['not modified, with a length', ['HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n'], [true]],
    [
      'chunked',
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '5\r\nhello\r\n', '5\r\nthere\r\n0\r\n\r\n'],
      [false, false, true],
    ],
    ['chunked and empty', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'], [true]],
    ['chunked, the end cut', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', '\r\n'], [false, false]],
    ['until the end of the connection', ['HTTP/1.1 200 OK\r\n\r\nhello'], [false]],
    ['an upgrade', ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'], [false]],
    ['to be continued', ['HTTP/1.1 100 Continue\r\n\r\n'], [false]],
    ['a head in pieces', ['HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 0\r\n\r\n'], [false, false]],
    ['a head too long', [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(5000)}\r\nContent-Length: 0\r\n\r\n`], [false]],
    ['no HTTP at all', ['250 mail.test\r\n\r\n'], [false]],
    ['HTTP/2', ['\x00\x00\x12\x04\x00'], [false]],
  ])('%s', (_, pieces, expected) => {
    expect(answered(...pieces)).toEqual(expected)
  })
})
