import { connectTls, type TlsClientOptions } from './tls-client.ts'

/** What a server made of an offer; undefined when it refused the handshake. */
export interface Settled {
  readonly protocol: string
  /** Standard name. */
  readonly cipher: string
  readonly group: string
}

/**
 * Makes an offer as a client that accepts anything itself (SECLEVEL 0), and does not stop before the server answered
 * a byte. `ciphers` are OpenSSL names. Rejects when the client has no such cipher or group to offer: that is no answer.
 */
export async function settle(options: TlsClientOptions): Promise<Settled | undefined> {
  const { ciphers = 'ALL' } = options
  try {
    await using client = await connectTls({ ...options, ciphers: `${ciphers}:@SECLEVEL=0` })
    await client.request('?')
    return { protocol: client.protocol, cipher: client.cipher, group: client.group }
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    // The server's alert, or its close without one.
    if (/ALERT|^ECONNRESET$|^EPIPE$/.test(code)) return undefined
    throw error
  }
}

/** Those of `offers` that the server takes, each offered alone. */
export async function taken<Offer extends string>(
  offers: readonly Offer[],
  of: (offer: Offer) => TlsClientOptions,
): Promise<readonly Offer[]> {
  const list: Offer[] = []
  for (const offer of offers) if (await settle(of(offer))) list.push(offer)
  return list
}
