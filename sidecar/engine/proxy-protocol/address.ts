import net from 'node:net'

/** One end of a connection as a PROXY protocol header names it. */
export interface Endpoint {
  /** IP literal without zone; IPv6 in its short form (RFC 5952). */
  readonly address: string
  /** 0 to 65535. */
  readonly port: number
}

/** The 4 or 16 bytes of an IP literal, in network order; a zone is left out. Undefined when the text is no IP address. */
export function addressBytes(address: string): Buffer | undefined {
  if (net.isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const zone = address.indexOf('%')
  const text = zone < 0 ? address : address.slice(0, zone)
  if (!net.isIPv6(text)) return undefined
  const bytes = Buffer.alloc(16)
  const [head = '', tail] = text.split('::')
  writeGroups(bytes, groupsOf(head), 0)
  if (tail !== undefined) {
    const groups = groupsOf(tail)
    writeGroups(bytes, groups, 16 - 2 * groups.length)
  }
  return bytes
}

/** The IP literal of 4 or 16 bytes in network order, IPv6 in its short form (RFC 5952, mapped IPv4 in dotted form). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`
  const { start, length } = longestZeros(groups)
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (length < 2) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

/** The 16-bit groups of one side of `::`, with a dotted IPv4 end as two groups. */
function groupsOf(side: string): number[] {
  if (side === '') return []
  return side.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

function writeGroups(bytes: Buffer, groups: readonly number[], offset: number): void {
  groups.forEach((group, at) => {
    bytes.writeUInt16BE(group, offset + 2 * at)
  })
}

/** The first of the longest runs of zero groups (RFC 5952, 4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, at) => {
    if (group !== 0) start = at + 1
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start }
  })
  return best
}
