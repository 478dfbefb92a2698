import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { quote } from './problem.ts'

/** A pattern for text, in the syntax RE2 and JavaScript share, with what to say about text that does not fit. */
export interface NamedPattern {
  /** Stable id, unique over rules and patterns. */
  readonly id: string
  readonly pattern: RegExp
  /** What fits, for messages: "is not ...". */
  readonly needs: string
  readonly cure: string
  /** Other ids that {@link explain} can answer with. */
  readonly variants?: readonly string[]
  /** Says more precisely what is wrong with a text that does not fit; undefined when there is nothing more precise. */
  readonly explain?: (
    value: string,
  ) => { readonly id: string; readonly message: string; readonly cure: string } | undefined
}

const LABEL = '[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?'

/** A DNS label: the name of a listener or of a Service (RFC 1123, 2.1). */
export const DNS_LABEL: NamedPattern = {
  id: 'dns-label',
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  needs: 'a DNS label',
  cure: 'use lower-case letters, digits and "-", with a letter or digit at both ends',
}

/** A DNS subdomain: the name of most Kubernetes objects. */
export const OBJECT_NAME: NamedPattern = {
  id: 'object-name',
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  needs: 'a name of a Kubernetes object',
  cure: 'use lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part',
}

/** The shape of a host tag, which appears in logs, metric labels and the PROXY protocol. */
export const HOST_TAG: NamedPattern = {
  id: 'host-tag',
  pattern: /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
  needs: 'a host tag',
  cure: 'use letters, digits, "_", "." and "-", with a letter or digit at both ends',
}

/** A host name of A-labels, with an optional wildcard as the whole first label (RFC 6125, 6.4.3). */
export const HOST_NAME: NamedPattern = {
  id: 'host-name',
  pattern: new RegExp(`^(\\*\\.)?(${LABEL}\\.)*${LABEL}$`),
  needs: 'a host name',
  cure: 'use labels of letters, digits and "-" with dots between them, for example "shop.example.com" or "*.example.com"',
  variants: [
    'host-name-not-ascii',
    'host-name-trailing-dot',
    'host-name-wildcard',
    'host-name-label-length',
    'host-name-ip-address',
  ],
  explain: explainHostName,
}

/** The last label of a host name holds a letter: what ends in a number is an IPv4 address or nothing (RFC 1123, 2.1). */
export const HOST_NAME_NOT_NUMERIC: NamedPattern = {
  id: 'host-name-ip-address',
  pattern: /(^|\.)[-A-Za-z0-9]*[A-Za-z][-A-Za-z0-9]*$/,
  needs: 'a host name: its last label is a number',
  cure: 'name the host; clients never send an IP address as server name (RFC 6066, 3), so serve them by a host with default: true',
  // Anything that HOST_NAME refuses already is told by HOST_NAME.
  explain: explainHostName,
}

/** A host name or IPv4 address that a client can be sent to. */
export const TARGET_HOST: NamedPattern = {
  id: 'target-host',
  pattern: new RegExp(`^(${LABEL}\\.)*${LABEL}$`),
  needs: 'a host name without wildcard',
  cure: 'use labels of letters, digits and "-" with dots between them, for example "www.example.com"',
  explain: (value) => {
    const ascii = toAscii(value)
    if (ascii === undefined) return undefined
    return {
      id: 'target-host',
      message: `${quote(value)} is not written in A-labels`,
      cure: `write "${ascii}"`,
    }
  },
}

/** A host name or IP address to connect to; names of private networks may hold "_" and end with a dot. */
export const BACKEND_HOST: NamedPattern = {
  id: 'backend-host',
  pattern: /^([A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$/,
  needs: 'a host name or IP address',
  cure: 'write a host name such as "shop.internal", an IPv4 address, or an IPv6 address without brackets; the port has its own field',
}

/** The key of an entry of a ConfigMap or Secret. */
export const DATA_KEY: NamedPattern = {
  id: 'data-key',
  pattern: /^[-._a-zA-Z0-9]+$/,
  needs: 'a key of a ConfigMap or Secret',
  cure: 'use letters, digits, "-", "_" and "."',
}

/** SHA-256 as hexadecimal digits. */
export const SHA256_HEX: NamedPattern = {
  id: 'sha256',
  pattern: /^[0-9a-f]{64}$/,
  needs: 'a SHA-256 in lower-case hexadecimal',
  cure: 'write 64 digits 0-9 and a-f without colons, as printed by: openssl x509 -pubkey -noout -in tls.crt | openssl pkey -pubin -outform der | sha256sum',
}

/** An absolute path of printable ASCII, so that its length in characters is its length in bytes. */
export const UNIX_PATH: NamedPattern = {
  id: 'unix-path',
  pattern: /^\/[ -~]+$/,
  needs: 'an absolute path of printable ASCII',
  cure: 'begin the path with "/", for example "/run/shop.sock"',
}

/** The path of a redirect: what may stand in the path and query of a URL (RFC 3986, 3.3). */
export const URL_PATH: NamedPattern = {
  id: 'url-path',
  pattern: /^\/[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*$/,
  needs: 'an absolute path of a URL',
  cure: 'begin the path with "/" and percent-encode spaces and other characters that a URL cannot hold',
}

/** A quantity of a resource, as containers have them. */
export const QUANTITY: NamedPattern = {
  id: 'quantity',
  pattern: /^(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE][-+]?[0-9]+))?$/,
  needs: 'a quantity',
  cure: 'write a number with a unit or none, for example "500m", "2", "256Mi" or "1Gi"',
}

/** The name of an application protocol (RFC 7301, 3.1). */
export const ALPN_PROTOCOL: NamedPattern = {
  id: 'alpn-protocol',
  pattern: /^[!-~]+$/,
  needs: 'a protocol name',
  cure: 'use printable ASCII without spaces, for example "h2" or "http/1.1"',
}

/** Every pattern of the contract. */
export const PATTERNS: readonly NamedPattern[] = [
  DNS_LABEL,
  OBJECT_NAME,
  HOST_TAG,
  HOST_NAME,
  HOST_NAME_NOT_NUMERIC,
  TARGET_HOST,
  BACKEND_HOST,
  DATA_KEY,
  SHA256_HEX,
  UNIX_PATH,
  URL_PATH,
  ALPN_PROTOCOL,
  QUANTITY,
]

const bySource = new Map(PATTERNS.map((named) => [named.pattern.source, named]))

/** The name and the texts of a pattern.
 *  @throws {TypeError} When the pattern is not one of {@link PATTERNS}: a defect of the contract. */
export function namedPattern(pattern: RegExp): NamedPattern {
  const named = bySource.get(pattern.source)
  if (named === undefined) throw new TypeError(`Cannot name the pattern ${pattern.source}: add it to PATTERNS`)
  return named
}

function explainHostName(value: string) {
  if (isIP(value.replace(/^\[(.*)\]$/, '$1')) !== 0)
    return {
      id: 'host-name-ip-address',
      message: `${quote(value)} is an IP address, which no client sends as server name (RFC 6066, 3)`,
      cure: 'remove it, and serve clients that connect by address with a host that has default: true',
    }
  const ascii = toAscii(value)
  if (ascii !== undefined)
    return {
      id: 'host-name-not-ascii',
      message: `${quote(value)} is not written in A-labels, as clients send server names`,
      cure: `write "${ascii}"`,
    }
  if (value.endsWith('.'))
    return {
      id: 'host-name-trailing-dot',
      message: `${quote(value)} ends with a dot, which server names never do (RFC 6066, 3)`,
      cure: 'remove the dot at the end',
    }
  if (value.includes('*') && !/^\*\.[^*]+$/.test(value))
    return {
      id: 'host-name-wildcard',
      message: `${quote(value)} has a wildcard elsewhere than as the whole first label`,
      cure: 'write "*." and the rest of the name, for example "*.example.com"; it stands for exactly one label',
    }
  const long = value.split('.').find((label) => label.length > 63)
  if (long !== undefined)
    return {
      id: 'host-name-label-length',
      message: `the label ${quote(long)} of a host name has ${long.length} characters, more than 63 (RFC 1035, 2.3.4)`,
      cure: 'shorten the label to 63 characters or fewer',
    }
  return undefined
}

/** The A-label form of a name that is not ASCII; undefined when the name is ASCII or has none. */
function toAscii(value: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: every ASCII character is meant
  if (/^[\x00-\x7f]*$/.test(value)) return undefined
  const wildcard = /^\*[.\u3002]/.test(value) ? '*.' : ''
  const ascii = domainToASCII(wildcard === '' ? value : value.slice(2)).replace(/\.$/, '')
  return ascii === '' ? undefined : wildcard + ascii
}
