/** Seconds after which a client may try again. */
const RETRY_AFTER_S = 5

/** The HTTP answer of a server that has no place (RFC 9110, 15.6.4), with the text as its body; empty for an empty text. */
export function busyAnswer(text: Buffer): Buffer {
  if (text.length === 0) return text
  const head = [
    'HTTP/1.1 503 Service Unavailable',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${text.length}`,
    `Retry-After: ${RETRY_AFTER_S}`,
    'Connection: close',
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), text])
}
