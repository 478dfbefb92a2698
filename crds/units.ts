import * as z from 'zod'

/** Every level of `T` read-only: parsed manifests are deeply frozen, and their types say so. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** A DNS label: the name of a listener or of a Service (RFC 1123, 2.1). */
export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** A DNS subdomain: the name of most Kubernetes objects. */
export const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** The shape of a host tag: what appears in logs, metric labels and the PROXY protocol's TLV. */
export const HOST_TAG = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/

/** A host name of A-labels, each at most 63 characters, with an optional wildcard as the whole first label (RFC 6125, 6.4.3). */
export const HOST_NAME =
  /^(\*\.)?([A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/

/** The last label holds a letter: what ends in a number is an IPv4 address or nothing (RFC 1123, 2.1). */
export const HOST_NAME_NOT_NUMERIC = /(^|\.)[-A-Za-z0-9]*[A-Za-z][-A-Za-z0-9]*$/

/** The key of an entry of a ConfigMap or Secret. */
export const DATA_KEY = /^[-._a-zA-Z0-9]+$/

/** SHA-256 as 64 lower-case hexadecimal digits. */
export const SHA256_HEX = /^[0-9a-f]{64}$/

/** An absolute path of printable ASCII, so that its length in characters is its length in bytes. */
export const ABSOLUTE_PATH = /^\/[ -~]*$/

/** The path of a redirect's target: absolute, printable ASCII without spaces, quotes, `#` or what HTTP cannot carry. */
export const URL_PATH = /^\/[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*$/

/** One name an application protocol is negotiated by (RFC 7301, 3.1). */
export const ALPN_PROTOCOL = /^[!-~]+$/

/** A name of an object of the core API. */
export const objectName = () => z.string().min(1).max(253).regex(DNS_SUBDOMAIN)

/** A port number; 0 is never meant. */
export const portNumber = () => z.int().min(1).max(65535)
