import type { Endpoint } from './address.ts'

/** One type-length-value of a version 2 header, whatever its type. */
export interface Tlv {
  /** 0 to 255; the known ones are in proxy-protocol.txt, 2.2. */
  readonly type: number
  readonly value: Buffer
}

/** A whole PROXY protocol header. */
export interface ProxyHeader {
  readonly kind: 'header'
  readonly version: 1 | 2
  /** Bytes the header takes; what follows belongs to the client. */
  readonly length: number
  /** `LOCAL`: the proxy speaks for itself, for example a health check; the addresses of the connection are the true ones. */
  readonly command: 'PROXY' | 'LOCAL'
  /** The client's address; undefined for `LOCAL`, for `UNKNOWN`, and for what is not TCP over IP. */
  readonly source: Endpoint | undefined
  /** The address the client connected to; undefined when `source` is. */
  readonly destination: Endpoint | undefined
  /** In the order of the header; empty for version 1 and for `LOCAL`. */
  readonly tlvs: readonly Tlv[]
}

/**
 * What the bytes at the start of a connection are: `more` a header may be coming and at least one byte is missing,
 * `none` no header begins like this, `invalid` one begins and is not right, with the reason in `detail`.
 */
export type ProxyHeaderVerdict =
  | { readonly kind: 'more' }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly detail: string }
  | ProxyHeader
