import { API_VERSION, KIND, type SocketServerSpecInput } from '../../crds/index.ts'
import type { SocketClient } from './socket-client.ts'

/**
 * What is done with a client: a function of it. It may return at once and go on by events, or be async; what it throws
 * or rejects with closes that client with `HandlerFailed` and harms nobody else. The client stays until it is ended.
 */
export type ClientHandler = (client: SocketClient) => unknown

/** A certificate in memory, as PEM. */
export interface CertificateInMemory {
  /** The certificate first, then its intermediates. */
  readonly cert: string
  /** The private key, without a passphrase. */
  readonly key: string
  /** The CA that issued it, when a chain check shall know it. */
  readonly ca?: string
}

type ListenerInput = SocketServerSpecInput['listeners'][number]
type IcsHostInput = NonNullable<SocketServerSpecInput['icsHosts']>[number]

/** A handler and a certificate of the manifest, or a function and a certificate in memory. */
interface OwnMembers<Input extends { readonly handler?: unknown; readonly certificate?: unknown }> {
  /** A function, or a handler of the manifest. Absent: the server's `handler`, or its event `client`. */
  readonly handler?: Input['handler'] | ClientHandler
  /** In memory, or the name of a Secret. */
  readonly certificate?: Input['certificate'] | CertificateInMemory
}

/** A listener of a manifest whose handler may be a function and whose certificate may be given in memory. */
export type ListenerOptions = Omit<ListenerInput, 'handler' | 'certificate'> & OwnMembers<ListenerInput>

/** A host of a manifest whose handler may be a function and whose certificate may be given in memory. */
export type IcsHostOptions = Omit<IcsHostInput, 'handler' | 'certificate'> & OwnMembers<IcsHostInput>

/** The `spec` of a manifest, with functions and certificates in memory where they are wanted. */
export type SpecOptions = Omit<SocketServerSpecInput, 'listeners' | 'icsHosts'> & {
  /** The sockets clients connect to. */
  readonly listeners: readonly ListenerOptions[]
  /** The hosts that are served; absent: each listener serves its clients itself. */
  readonly icsHosts?: readonly IcsHostOptions[]
}

/** What is served: a `spec`, a whole manifest as an object, or its YAML or JSON text. */
export type SocketServerInput = SpecOptions | { readonly spec: SpecOptions } | string | Uint8Array

/** A manifest without what the contract does not know, and what was taken out of it. */
export interface ReadInput {
  /** For the contract to judge. */
  readonly manifest: object | string | Uint8Array
  /** By hostTag: a function, or undefined for a host that says nothing of its handler. */
  readonly functions: ReadonlyMap<string, ClientHandler | undefined>
  /** By the name of the Secret it became. */
  readonly certificates: ReadonlyMap<string, CertificateInMemory>
}

/** Stands in for a function, which the contract does not know: it is never called. */
const STAND_IN = { type: 'Echo' }

/** Takes functions and certificates out of what a program gave. */
export function readInput(input: SocketServerInput): ReadInput {
  const functions = new Map<string, ClientHandler | undefined>()
  const certificates = new Map<string, CertificateInMemory>()
  if (typeof input === 'string' || input instanceof Uint8Array) return { manifest: input, functions, certificates }
  if (!isRecord(input)) return { manifest: input, functions, certificates }
  const isWhole = 'spec' in input || 'kind' in input
  const given = (isWhole ? (input as { readonly spec: SpecOptions }).spec : input) as SpecOptions
  // What is no list of objects is left for the contract to refuse.
  if (!isRecord(given)) return { manifest: input, functions, certificates }

  const plain = (tag: unknown, one: Readonly<Record<string, unknown>>, needsHandler: boolean) => {
    const made: Record<string, unknown> = { ...one }
    const { handler, certificate } = one
    if (typeof handler === 'function' || (handler === undefined && needsHandler)) {
      functions.set(String(tag), handler as ClientHandler | undefined)
      made['handler'] = STAND_IN
    }
    if (isRecord(certificate) && ('cert' in certificate || 'key' in certificate)) {
      const secretName = `in-memory-${String(tag).toLowerCase()}`
      certificates.set(secretName, certificate as unknown as CertificateInMemory)
      made['certificate'] = { secretName }
    }
    return made
  }
  const list = (value: unknown, tag: string, needsHandler: boolean) =>
    Array.isArray(value)
      ? value.map((one: unknown) => (isRecord(one) ? plain(one[tag], one, needsHandler) : one))
      : value
  const hasHosts = Array.isArray(given.icsHosts) && given.icsHosts.length > 0
  const spec = {
    ...given,
    listeners: list(given.listeners, 'name', !hasHosts),
    ...(given.icsHosts === undefined ? {} : { icsHosts: list(given.icsHosts, 'hostTag', true) }),
  }
  const manifest = isWhole
    ? { ...input, spec }
    : { apiVersion: API_VERSION, kind: KIND, metadata: { name: 'socketserver' }, spec }
  return { manifest, functions, certificates }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
