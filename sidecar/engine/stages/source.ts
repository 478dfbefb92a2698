import net from 'node:net'

/** What is known of one source, from which any number of clients come. */
export interface Source {
  readonly key: string
  clients: number
  /** Connections it may open at once, as of `at`. */
  tokens: number
  /** Milliseconds. */
  at: number
  /** When a client of it was last told that it came too fast, in milliseconds. */
  toldAt: number
}

/** An IPv4 client of a dual-stack socket or header in its own notation, and no zone: what lists and other programs can read. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  const zone = address.indexOf('%')
  return zone < 0 ? address : address.slice(0, zone)
}

/** What counts as one source: an IPv4 address, or the /64 that a network gives one customer (RFC 6177). */
export function sourceOf(address: string): string {
  const plain = plainAddress(address)
  // Looked at first, since the whole grammar of IPv6 costs more than the rest of the entry.
  if (!plain.includes(':') || !net.isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined || before.length >= 4) return before.slice(0, 4).map(shortGroup).join(':')
  const after = tail === '' ? [] : tail.split(':')
  // A dotted end stands for two groups.
  const groups = after.length + (tail.includes('.') ? 1 : 0)
  const zeros = new Array<string>(Math.max(0, 8 - before.length - groups)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).map(shortGroup).join(':')
}

const shortGroup = (group: string) => group.replace(/^0+(?=.)/, '').toLowerCase()
