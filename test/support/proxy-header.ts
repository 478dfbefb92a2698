/** What a PROXY protocol header of version 2 says; whatever is left out is 0. */
export interface V2Options {
  readonly command?: 'PROXY' | 'LOCAL'
  /** IPv4 addresses. */
  readonly source?: string
  readonly destination?: string
  readonly sourcePort?: number
  readonly destinationPort?: number
  /** Adds the CRC32c of the header. */
  readonly checksum?: boolean
  /** Bytes behind the addresses. */
  readonly tail?: Buffer
}

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** CRC32c bit by bit (RFC 3720, 12.1): slow, and shares nothing with the product. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

const octets = (address: string) => Buffer.from(address.split('.').map(Number))

/** A header of version 2 (proxy-protocol.txt, 2.2) over IPv4, written by hand and by nothing of the product. */
export function v2Header(options: V2Options = {}): Buffer {
  const {
    command = 'PROXY',
    source = '0.0.0.0',
    destination = '0.0.0.0',
    checksum = false,
    tail = Buffer.alloc(0),
  } = options
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(options.sourcePort ?? 0, 0)
  ports.writeUInt16BE(options.destinationPort ?? 0, 2)
  const sum = checksum ? Buffer.of(0x03, 0, 4, 0, 0, 0, 0) : Buffer.alloc(0)
  const payload = Buffer.concat([octets(source), octets(destination), ports, tail, sum])
  const fixed = Buffer.of(command === 'PROXY' ? 0x21 : 0x20, 0x11, payload.length >> 8, payload.length & 0xff)
  const header = Buffer.concat([SIGNATURE, fixed, payload])
  if (checksum) header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}
