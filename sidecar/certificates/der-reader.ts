/** One DER element (X.690) inside a buffer. */
export interface DerElement {
  readonly tag: number
  readonly content: Buffer
  /** The element with its tag and length. */
  readonly whole: Buffer
}

/** Reads the element at the start of `bytes`. @throws {RangeError} when there is none, or it does not end inside. */
export function readElement(bytes: Buffer): DerElement {
  const tag = bytes[0]
  const first = bytes[1]
  if (tag === undefined || first === undefined) throw new RangeError('DER element is truncated')
  let start = 2
  let length = first
  if (first >= 0x80) {
    const digits = first & 0x7f
    if (digits === 0 || digits > 4 || bytes.length < 2 + digits) throw new RangeError('DER length is malformed')
    length = bytes.readUIntBE(2, digits)
    start += digits
  }
  const end = start + length
  if (end > bytes.length) throw new RangeError('DER element is truncated')
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(0, end) }
}

/** Reads the elements that `content` is made of, in order. @throws {RangeError} when it is not made of whole elements. */
export function readElements(content: Buffer): DerElement[] {
  const elements: DerElement[] = []
  for (let rest = content; rest.length > 0; ) {
    const next = readElement(rest)
    elements.push(next)
    rest = rest.subarray(next.whole.length)
  }
  return elements
}

/** The dotted form of the content of an OBJECT IDENTIFIER. */
export function readOid(content: Buffer): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const head = arcs.shift() ?? 0
  const first = Math.min(Math.floor(head / 40), 2)
  return [first, head - first * 40, ...arcs].join('.')
}
