import net from 'node:net'
import type { RedirectSpec } from '../../../crds/index.ts'
import type { RequestHead } from './request-head.ts'

/** Where the request came in. */
export interface Arrival {
  /** Scheme of the connection. */
  readonly scheme: 'http' | 'https'
  /** Port of the listener, for a request that names no host. */
  readonly port: number
}

const DEFAULT_PORT = { http: 80, https: 443 } as const
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(?::([0-9]{0,5}))?$/

/**
 * The target of a redirect, built as Gateway API's HTTPRequestRedirectFilter says, or what is wrong with the request. Each part is the
 * spec's, else the request's. Where neither scheme nor port is given, the port is the one the client asked for, which
 * behind a load balancer is not the listener's; a port that is the scheme's own is left out. `path` replaces path and query.
 */
export function locationOf(
  spec: RedirectSpec,
  request: RequestHead,
  arrival: Arrival,
): { url: string } | { problem: string } {
  const asked = request.authority === '' ? undefined : parseAuthority(request.authority)
  if (request.authority !== '' && asked === undefined) return { problem: 'the Host is no host name' }
  const hostname = spec.hostname ?? asked?.hostname
  if (hostname === undefined) return { problem: 'the request names no Host' }
  const scheme = spec.scheme ?? arrival.scheme
  const port = spec.port ?? (spec.scheme ? DEFAULT_PORT[spec.scheme] : askedPort(asked, arrival))
  const suffix = port === DEFAULT_PORT[scheme] ? '' : `:${port}`
  return { url: `${scheme}://${hostname}${suffix}${spec.path ?? request.path}` }
}

function askedPort(asked: { readonly port: number | undefined } | undefined, arrival: Arrival): number {
  if (!asked) return arrival.port
  return asked.port ?? DEFAULT_PORT[arrival.scheme]
}

/** Host name and port of a Host field (RFC 9110, 7.2); undefined when it is malformed. */
function parseAuthority(text: string): { hostname: string; port: number | undefined } | undefined {
  const [, hostname, , port = ''] = AUTHORITY.exec(text) ?? []
  if (hostname === undefined) return undefined
  if (hostname.startsWith('[') && !net.isIPv6(hostname.slice(1, -1))) return undefined
  if (Number(port) > 65535) return undefined
  return { hostname: hostname.toLowerCase(), port: port === '' ? undefined : Number(port) }
}
