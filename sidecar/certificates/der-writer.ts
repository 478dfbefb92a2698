function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes])
  const digits: number[] = []
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Buffer.from([0x80 | digits.length, ...digits])
}

/** One DER element (X.690) of any tag; the parts are its content, in order. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), length(content.length), content])
}

/** SEQUENCE of its parts, in order. */
export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, ...parts)

/** SET of its parts. The caller sorts them, as DER asks for; a set of one needs no order. */
export const set = (...parts: readonly Uint8Array[]): Buffer => element(0x31, ...parts)

/** OCTET STRING. */
export const octetString = (content: Uint8Array): Buffer => element(0x04, content)

/** BIT STRING; `unused` low bits of the last byte are not part of it. */
export const bitString = (content: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), content)

/** BOOLEAN TRUE; FALSE is always a default, and DER leaves defaults out. */
export const TRUE: Buffer = element(0x01, Buffer.from([0xff]))

/** NULL. */
export const NULL: Buffer = element(0x05)

/** UTF8String. */
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'))

/** A context-specific element that holds other elements. */
export const explicit = (number: number, ...parts: readonly Uint8Array[]): Buffer => element(0xa0 | number, ...parts)

/** A context-specific element that holds bytes. */
export const implicit = (number: number, content: Uint8Array): Buffer => element(0x80 | number, content)

/** INTEGER of a non-negative number, given as big-endian bytes of any length. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const significant = bytes.subarray(start)
  const sign = (significant[0] ?? 0) >= 0x80 || significant.length === 0 ? Buffer.from([0]) : Buffer.alloc(0)
  return element(0x02, sign, significant)
}

/** OBJECT IDENTIFIER, from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128))
    bytes.push(...digits)
  }
  return element(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049 and GeneralizedTime after, as RFC 5280, 4.1.2.5 asks for; seconds are the finest unit. */
export function time(moment: Date): Buffer {
  const digits = moment.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  const year = moment.getUTCFullYear()
  return year >= 1950 && year < 2050
    ? element(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : element(0x18, Buffer.from(`${digits}Z`))
}
