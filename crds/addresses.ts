import { isIP, isIPv4 } from 'node:net'

/** The families an IP address can be of. */
export type AddressFamily = 'IPv4' | 'IPv6'

/**
 * Family of an IP address as Kubernetes' CEL function `isIP` reads it, or undefined when it is none: no zone, no IPv4-mapped IPv6,
 * no leading zeros.
 */
export function addressFamily(text: string): AddressFamily | undefined {
  if (isIPv4(text)) return 'IPv4'
  if (isIP(text) !== 6 || text.includes('%') || isMapped(canonicalIpv6(text))) return undefined
  return 'IPv6'
}

/** The one spelling of an IP address among its many (RFC 5952); call it with what {@link addressFamily} knows. */
export function canonicalAddress(text: string): string {
  return isIPv4(text) ? text : canonicalIpv6(text)
}

/** Whether a text is a network in CIDR notation as Kubernetes' CEL function `isCIDR` reads it; host bits may be set. */
export function isCidr(text: string): boolean {
  const slash = text.lastIndexOf('/')
  const family = slash < 0 ? undefined : addressFamily(text.slice(0, slash))
  const bits = text.slice(slash + 1)
  if (family === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(bits)) return false
  return Number(bits) <= (family === 'IPv4' ? 32 : 128)
}

function canonicalIpv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1)
}

function isMapped(canonical: string): boolean {
  return /^::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/.test(canonical)
}
