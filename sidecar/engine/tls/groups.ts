import type { ClientHello } from './client-hello.ts'

/** IANA numbers of the groups a host may name (TLS Supported Groups registry). */
const NUMBERS: Readonly<Record<string, number>> = {
  'P-256': 23,
  'P-384': 24,
  'P-521': 25,
  X25519: 29,
  X448: 30,
  SecP256r1MLKEM768: 4587,
  X25519MLKEM768: 4588,
  SecP384r1MLKEM1024: 4589,
}

/**
 * The group a handshake settles on. The TLS library does not tell a server, but its choice follows from both lists:
 * the server's first group with a key share, else the server's first group that the client supports (RFC 8446, 4.2.8).
 * Returns '' when there is none in common.
 */
export function negotiatedGroup(groups: readonly string[], hello: ClientHello, version: string): string {
  const has = (list: readonly number[]) => groups.find((name) => list.includes(NUMBERS[name] ?? -1))
  const shared = version === 'TLSv1.3' ? has(hello.keyShares) : undefined
  // Hybrid groups exist in TLS 1.3 only.
  const usable = version === 'TLSv1.3' ? groups : groups.filter((name) => !name.includes('MLKEM'))
  return shared ?? usable.find((name) => hello.groups.includes(NUMBERS[name] ?? -1)) ?? ''
}
