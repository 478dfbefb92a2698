import { addressText, type Endpoint } from './address.ts'
import { crc32c } from './crc32c.ts'
import type { ProxyHeaderVerdict, Tlv } from './header.ts'

/** How every version 2 header begins. */
export const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Signature, command, family and length. */
const FIXED_LENGTH = 16

/** The most that may follow the fixed part; real ones stay below 1 KiB unless they carry a whole certificate. */
const MAX_LENGTH = 4096

/** Bytes the addresses take, by address family: unspecified, IPv4, IPv6, UNIX. */
const ADDRESSES_LENGTH = [0, 12, 36, 216] as const

const PP2_TYPE_CRC32C = 0x03

const invalid = (detail: string): ProxyHeaderVerdict => ({ kind: 'invalid', detail })

/** Judges bytes that begin like {@link V2_SIGNATURE}. */
export function parseV2(bytes: Buffer): ProxyHeaderVerdict {
  if (bytes.length < FIXED_LENGTH) return { kind: 'more' }
  const version = bytes.readUInt8(12) >> 4
  const command = bytes.readUInt8(12) & 0x0f
  const family = bytes.readUInt8(13) >> 4
  const transport = bytes.readUInt8(13) & 0x0f
  const payloadLength = bytes.readUInt16BE(14)
  if (version !== 2) return invalid(`the version is ${version} instead of 2`)
  if (command > 1) return invalid(`the command ${command} is neither LOCAL nor PROXY`)
  if (payloadLength > MAX_LENGTH) return invalid(`${payloadLength} bytes follow, more than ${MAX_LENGTH}`)
  const length = FIXED_LENGTH + payloadLength
  if (bytes.length < length) return { kind: 'more' }
  const local = {
    kind: 'header',
    version: 2,
    length,
    command: 'LOCAL',
    source: undefined,
    destination: undefined,
  } as const
  // The rest of a LOCAL header is skipped, whatever it holds.
  if (command === 0) return { ...local, tlvs: [] }
  const addressesLength = ADDRESSES_LENGTH[family]
  if (addressesLength === undefined || transport > 2) return invalid(`the address family or transport is unknown`)
  if (payloadLength < addressesLength) return invalid('the addresses are cut short')

  const header = bytes.subarray(0, length)
  const tlvs = readTlvs(header, FIXED_LENGTH + addressesLength)
  if (typeof tlvs === 'string') return invalid(tlvs)
  // Only TCP over IP names addresses that a listener can take over.
  if (transport !== 1 || (family !== 1 && family !== 2)) return { ...local, command: 'PROXY', tlvs }
  const size = family === 1 ? 4 : 16
  const end = FIXED_LENGTH + 2 * size
  const endpoint = (at: number, port: number): Endpoint => ({
    address: addressText(header.subarray(at, at + size)),
    port: header.readUInt16BE(port),
  })
  return {
    ...local,
    command: 'PROXY',
    source: endpoint(FIXED_LENGTH, end),
    destination: endpoint(FIXED_LENGTH + size, end + 2),
    tlvs,
  }
}

/** The TLVs from `start` to the end of the header, or what is wrong with them. */
function readTlvs(header: Buffer, start: number): readonly Tlv[] | string {
  const tlvs: Tlv[] = []
  let at = start
  while (at < header.length) {
    if (at + 3 > header.length) return 'a TLV is cut short'
    const type = header.readUInt8(at)
    const end = at + 3 + header.readUInt16BE(at + 1)
    if (end > header.length) return `the TLV 0x${type.toString(16).padStart(2, '0')} is longer than the header`
    const value = header.subarray(at + 3, end)
    if (type === PP2_TYPE_CRC32C && !isChecksum(header, at + 3, value)) return 'the CRC32c is wrong'
    tlvs.push({ type, value })
    at = end
  }
  return tlvs
}

/** Whether `value`, at `offset`, is the checksum of the header with zeros in its place (proxy-protocol.txt, 2.2.3). */
function isChecksum(header: Buffer, offset: number, value: Buffer): boolean {
  if (value.length !== 4) return false
  const blank = Buffer.from(header)
  blank.fill(0, offset, offset + 4)
  return crc32c(blank) === value.readUInt32BE(0)
}
