/** What the stages need of a ClientHello (RFC 8446, 4.1.2). */
export interface ClientHello {
  /** `host_name` of the server_name extension as sent, without a trailing dot (RFC 6066, 3). */
  readonly serverName: string | undefined
  /** ALPN protocol names in the client's order (RFC 7301). */
  readonly alpn: readonly string[]
  /** Numbers of supported_groups in the client's order. */
  readonly groups: readonly number[]
  /** Groups for which the client sent a key share; empty without TLS 1.3. */
  readonly keyShares: readonly number[]
  /**
   * First 16 bytes of the session ticket the client offers, in Latin-1: the name of the key it is encrypted with
   * (RFC 5077, 4). Undefined without one.
   */
  readonly ticketKeyName: string | undefined
  /** Bytes on the wire up to its end, record headers included. */
  readonly length: number
}

/** What the bytes received so far are. */
export type HelloReading =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  /** Not whole yet; reading again makes no sense before `atLeast` bytes are there. */
  | { readonly kind: 'more'; readonly atLeast: number }
  | { readonly kind: 'not-tls'; readonly looksLike: 'http' | 'sslv2' | 'unknown' }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'malformed'; readonly detail: string }

const RECORD_HEADER = 5
const HANDSHAKE = 0x16
const CLIENT_HELLO = 0x01
const MAX_RECORD = 16_384
/** Bounds the work a hello in tiny records can cause. */
const MAX_RECORDS = 2048
const HTTP_REQUEST = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|PRI) /
const LONGEST_METHOD = 8
const KEY_NAME_BYTES = 16

const more = (atLeast: number): HelloReading => ({ kind: 'more', atLeast })

/**
 * Reads one ClientHello from the start of `bytes`, which may span several records. Never throws.
 * @param maxBytes Bound of the handshake message; a longer one is `too-long`.
 */
export function readClientHello(bytes: Buffer, maxBytes: number): HelloReading {
  if (bytes.length === 0) return more(1)
  if (bytes[0] !== HANDSHAKE) return notTls(bytes)
  if (bytes.length > 1 && bytes[1] !== 3) return { kind: 'not-tls', looksLike: 'unknown' }

  const pieces: Buffer[] = []
  let have = 0
  let need = 4
  let at = 0
  for (let records = 0; have < need; records += 1) {
    if (records === MAX_RECORDS) return { kind: 'too-long' }
    const start = at + RECORD_HEADER
    if (bytes.length < start) return more(start)
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3) return malformed('a record of another type amid the hello')
    const size = bytes.readUInt16BE(at + 3)
    if (size === 0 || size > MAX_RECORD) return malformed(`a record of ${size} bytes`)
    at = start + size
    const piece = bytes.subarray(start, at)
    if (have === 0 && piece.length > 0 && piece[0] !== CLIENT_HELLO)
      return malformed('the first message is no ClientHello')
    pieces.push(piece)
    have += piece.length
    if (need === 4 && have >= 4) {
      const head = pieces.length === 1 ? piece : Buffer.concat(pieces)
      need = 4 + head.readUIntBE(1, 3)
      if (need > maxBytes) return { kind: 'too-long' }
    }
    if (at > bytes.length && have < need) return more(Math.min(at, bytes.length + need - have))
  }
  const message = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
  // The last record may hold more than the rest of the hello.
  return parseHello(message, need, Math.min(at, bytes.length) - (have - need))
}

function notTls(bytes: Buffer): HelloReading {
  const first = bytes[0] ?? 0
  if (first >= 0x41 && first <= 0x5a) {
    const start = bytes.toString('latin1', 0, LONGEST_METHOD)
    if (HTTP_REQUEST.test(start)) return { kind: 'not-tls', looksLike: 'http' }
    if (bytes.length < LONGEST_METHOD && /^[A-Z]+$/.test(start)) return more(bytes.length + 1)
    return { kind: 'not-tls', looksLike: 'unknown' }
  }
  // SSLv2 framing (RFC 6101, appendix E): the high bit, a 15-bit length, then message type 1.
  if (first >= 0x80) {
    if (bytes.length < 3) return more(3)
    if (bytes[2] === CLIENT_HELLO) return { kind: 'not-tls', looksLike: 'sslv2' }
  }
  return { kind: 'not-tls', looksLike: 'unknown' }
}

const malformed = (detail: string): HelloReading => ({ kind: 'malformed', detail })

/**
 * Walks a part of the hello; every read is checked against the end, so a lie in a length is `undefined`. Nothing is
 * copied or cut out: a hello is read for every client.
 */
class Cursor {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get rest(): number {
    return this.#end - this.#at
  }

  number(size: 1 | 2): number | undefined {
    const at = this.#at
    if (this.#end - at < size) return undefined
    this.#at = at + size
    const first = this.#bytes[at] as number
    return size === 1 ? first : (first << 8) | (this.#bytes[at + 1] as number)
  }

  /** Whether there were so many bytes to pass over. */
  skip(length: number): boolean {
    if (this.#end - this.#at < length) return false
    this.#at += length
    return true
  }

  skipVector(sizeOfLength: 1 | 2): boolean {
    const length = this.number(sizeOfLength)
    return length !== undefined && this.skip(length)
  }

  vector(sizeOfLength: 1 | 2): Cursor | undefined {
    const length = this.number(sizeOfLength)
    if (length === undefined || !this.skip(length)) return undefined
    return new Cursor(this.#bytes, this.#at - length, this.#at)
  }

  /** The rest, or its first `length` bytes, as text of one character per byte. */
  text(length = this.rest): string {
    return this.#bytes.toString('latin1', this.#at, this.#at + length)
  }
}

/** The extensions that are read (RFC 8446, 4.2). */
const EXTENSIONS = { serverName: 0, groups: 10, alpn: 16, ticket: 35, preSharedKey: 41, keyShare: 51 } as const

const READ: ReadonlySet<number> = new Set(Object.values(EXTENSIONS))

/** @param end Where the hello ends in `message`, whose first four bytes are the message's head. */
function parseHello(message: Buffer, end: number, length: number): HelloReading {
  const cursor = new Cursor(message, 4, end)
  // legacy_version and random, then the session, the suites and the compression methods.
  const isWhole = cursor.skip(34) && cursor.skipVector(1) && cursor.skipVector(2) && cursor.skipVector(1)
  if (!isWhole) return malformed('the hello is cut short')
  let serverName: string | undefined
  let alpn: readonly string[] = []
  let groups: readonly number[] = []
  let keyShares: readonly number[] = []
  let ticketKeyName: string | undefined
  if (cursor.rest > 0) {
    const list = cursor.vector(2)
    if (!list) return malformed('the extensions are cut short')
    while (list.rest > 0) {
      const type = list.number(2)
      if (type === undefined) return malformed('an extension is cut short')
      if (!READ.has(type)) {
        if (!list.skipVector(2)) return malformed('an extension is cut short')
        continue
      }
      const data = list.vector(2)
      if (!data) return malformed('an extension is cut short')
      if (type === EXTENSIONS.serverName) {
        const name = readServerName(data)
        if (name === undefined) return malformed('the server_name extension cannot be parsed')
        serverName = name
      } else if (type === EXTENSIONS.alpn) alpn = readAlpn(data)
      else if (type === EXTENSIONS.groups) groups = readNumbers(data)
      else if (type === EXTENSIONS.keyShare) keyShares = readKeyShares(data)
      else if (type === EXTENSIONS.ticket) ticketKeyName ??= keyName(data)
      else if (type === EXTENSIONS.preSharedKey) ticketKeyName = readFirstIdentity(data) ?? ticketKeyName
    }
  }
  return { kind: 'hello', hello: { serverName, alpn, groups, keyShares, ticketKeyName, length } }
}

/** The host name, lower-cased and without a trailing dot; undefined when the extension is malformed. */
function readServerName(data: Cursor): string | undefined {
  const list = data.vector(2)
  if (!list) return undefined
  while (list.rest > 0) {
    const type = list.number(1)
    const name = list.vector(2)
    if (type === undefined || !name) return undefined
    if (type === 0) return name.rest === 0 ? undefined : name.text().toLowerCase().replace(/\.$/, '')
  }
  return undefined
}

function readAlpn(data: Cursor): readonly string[] {
  const list = data.vector(2)
  const names: string[] = []
  while (list && list.rest > 0) {
    const name = list.vector(1)
    if (!name) return names
    names.push(name.text())
  }
  return names
}

function readNumbers(data: Cursor): readonly number[] {
  const list = data.vector(2)
  const numbers: number[] = []
  while (list && list.rest >= 2) numbers.push(list.number(2) as number)
  return numbers
}

function readKeyShares(data: Cursor): readonly number[] {
  const list = data.vector(2)
  const groups: number[] = []
  while (list && list.rest > 0) {
    const group = list.number(2)
    if (group === undefined || !list.skipVector(2)) return groups
    groups.push(group)
  }
  return groups
}

/** The name of the key a ticket was made with; undefined for what is too short to be a ticket. */
const keyName = (ticket: Cursor) => (ticket.rest > KEY_NAME_BYTES ? ticket.text(KEY_NAME_BYTES) : undefined)

/** The key's name in the first identity of pre_shared_key (RFC 8446, 4.2.11): with TLS 1.3 that is the ticket. */
function readFirstIdentity(data: Cursor): string | undefined {
  const ticket = data.vector(2)?.vector(2)
  return ticket && keyName(ticket)
}
