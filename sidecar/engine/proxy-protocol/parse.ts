import type { ProxyHeaderVerdict } from './header.ts'
import { parseV1, V1_START } from './parse-v1.ts'
import { parseV2, V2_SIGNATURE } from './parse-v2.ts'

/**
 * Judges the bytes received so far as a PROXY protocol header (proxy-protocol.txt, 2.1 and 2.2). Meant to be called again with
 * all bytes after each `more`, which it never answers beyond 107 bytes of version 1 or 4,112 of version 2.
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeaderVerdict {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsWith(buffer, V2_SIGNATURE)) return parseV2(buffer)
  if (startsWith(buffer, V1_START)) return parseV1(buffer)
  return { kind: 'none' }
}

/** Whether the bytes begin like `start`, as far as both go. */
function startsWith(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}
