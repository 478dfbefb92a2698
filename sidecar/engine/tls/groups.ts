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

/** What a finished handshake settled, as far as the group depends on it. */
export interface Settled {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string
  /** The cipher suite's standard name. */
  readonly cipher: string
  readonly resumed: boolean
}

/**
 * The group a handshake settles on. The TLS library does not tell a server, but its choice follows from both lists.
 * OpenSSL takes the server's first group with a key share, else the server's first group that the client supports
 * (RFC 8446, 4.2.8); BoringSSL always the latter. Returns '' when no group was used: TLS 1.2 resumes without one, and
 * RSA key exchange has none.
 * @param prefersShares Whether the library lets a key share that is there win over a better group without one.
 */
export function negotiatedGroup(
  groups: readonly string[],
  hello: ClientHello,
  { version, cipher, resumed }: Settled,
  prefersShares: boolean,
): string {
  const firstIn = (ours: readonly string[], theirs: readonly number[]) =>
    ours.find((name) => theirs.includes(NUMBERS[name] ?? -1))
  if (version === 'TLSv1.3') {
    const shared = prefersShares ? firstIn(groups, hello.keyShares) : undefined
    return shared ?? firstIn(groups, hello.groups) ?? ''
  }
  if (resumed || !cipher.startsWith('TLS_ECDHE_')) return ''
  // Hybrid groups exist in TLS 1.3 only.
  const classical = groups.filter((name) => !name.includes('MLKEM'))
  return firstIn(classical, hello.groups) ?? ''
}
