/** What a redirect needs of an HTTP/1 request. */
export interface RequestHead {
  readonly method: string
  /** Path and query, beginning with `/`. */
  readonly path: string
  /** Value of Host, or the authority of an absolute target, which comes before it (RFC 9112, 3.2.2); empty without. */
  readonly authority: string
}

/** A request head, or the status and reason to refuse it with. */
export type RequestHeadVerdict =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'refuse'; readonly status: 400 | 505; readonly detail: string }

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP\/([0-9])\.([0-9])$/
const ABSOLUTE_TARGET = /^https?:\/\/([^/?#]+)(.*)$/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a field value may not hold (RFC 9110, 5.5)
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([^\x00-\x08\x0a-\x1f\x7f]*?)[\t ]*$/

const refuse = (detail: string, status: 400 | 505 = 400): RequestHeadVerdict => ({ kind: 'refuse', status, detail })

/**
 * Where the head of a request ends, empty line included; -1 when it has not. Empty lines before the request are skipped,
 * and a lone LF ends a line as well (RFC 9112, 2.2).
 * @param from Bytes that an earlier call has looked at in vain.
 */
export function endOfHead(bytes: Buffer, from = 0): number {
  let start = 0
  while (bytes[start] === 0x0d || bytes[start] === 0x0a) start++
  // The empty line may have begun with the last three of the bytes looked at.
  for (let at = bytes.indexOf(0x0a, Math.max(start, from - 3)); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3
  }
  return -1
}

/** Reads the head of a request (RFC 9112, 3 and 5), strictly: what two readers could understand differently is refused. */
export function parseRequestHead(bytes: Buffer): RequestHeadVerdict {
  const [first = '', ...fields] = bytes
    .toString('latin1')
    .replace(/^[\r\n]+/, '')
    .replace(/\r?\n\r?\n$/, '')
    .split(/\r?\n/)
  const [, method, target, major] = REQUEST_LINE.exec(first) ?? []
  if (method === undefined || target === undefined) return refuse('the first line is no request line')
  if (major !== '1') return refuse('only HTTP/1.0 and HTTP/1.1 are spoken', 505)
  const hosts: string[] = []
  for (const line of fields) {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined) return refuse('a header field is malformed')
    if (name.toLowerCase() === 'host') hosts.push(value)
  }
  if (hosts.length > 1) return refuse('there is more than one Host')
  const [host = ''] = hosts
  if (target.startsWith('/')) return head(method, target, host)
  if (target === '*') return head(method, '/', host)
  const [, authority, rest = ''] = ABSOLUTE_TARGET.exec(target) ?? []
  if (authority === undefined) return refuse('the target is neither a path nor an http URL')
  return head(method, rest.startsWith('/') ? rest : `/${rest}`, authority)
}

function head(method: string, path: string, authority: string): RequestHeadVerdict {
  // A fragment never belongs into a request (RFC 9112, 3.2).
  if (path.includes('#')) return refuse('the target has a fragment')
  return { kind: 'head', head: { method, path, authority } }
}
