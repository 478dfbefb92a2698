import type { Backend as BackendSpec } from '../../../crds/index.ts'

/** Where a backend listens. */
export type BackendAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** What is known of a backend, for status and metrics. */
export interface BackendState {
  /** As in the log: `shop.ns.svc:8080`, `[::1]:8080` or `unix:/run/shop.sock`. */
  readonly name: string
  /** False while its last connect failed: it gets no client but a single one from time to time. */
  readonly healthy: boolean
  /** Clients connected or connecting to it. */
  readonly clients: number
  /** Connects that failed since the handler was made. */
  readonly failures: number
}

/** How long a backend is left alone after a failed connect: doubled with each one in a row. In milliseconds. */
const EJECTION_MS = { first: 1_000, last: 30_000 } as const

/**
 * One backend: its clients and its health. A failed connect ejects it for a while; then one client at a time tries it,
 * so that a backend that swallows connects costs one client the connect time and not all of them.
 */
export class Backend {
  readonly name: string
  readonly address: BackendAddress
  /** 0 to 1000; 0 gets no client. */
  readonly weight: number
  clients = 0
  failures = 0
  /** Credit of the smooth round robin. */
  credit = 0
  #ejectedUntil = Number.NEGATIVE_INFINITY
  #ejectionMs = 0
  #isTried = false

  constructor(spec: BackendSpec, namespace: string | undefined) {
    this.address = addressOf(spec, namespace)
    this.name = nameOf(this.address)
    this.weight = spec.weight
  }

  get healthy(): boolean {
    return this.#ejectionMs === 0
  }

  state(): BackendState {
    return { name: this.name, healthy: this.healthy, clients: this.clients, failures: this.failures }
  }

  /** Whether a client may be sent here. @param now Monotonic milliseconds. */
  isOpen(now: number): boolean {
    return this.healthy || (now >= this.#ejectedUntil && !this.#isTried)
  }

  /** A client is sent here. Answered by one call of `connected`, `failed` or `abandoned`, and, when its connection is gone, by `left`. */
  enter(): void {
    this.clients++
    this.#isTried = true
  }

  left(): void {
    this.clients--
  }

  /** Returns true when this brings the backend back. */
  connected(): boolean {
    const isBack = !this.healthy
    this.#isTried = false
    this.#ejectionMs = 0
    return isBack
  }

  /** Returns true when this ejects the backend, or ejects it again. @param now Monotonic milliseconds. */
  failed(now: number): boolean {
    this.failures++
    this.#isTried = false
    // Clients that failed together count as one failure.
    if (now < this.#ejectedUntil) return false
    this.#ejectionMs = Math.min(Math.max(this.#ejectionMs * 2, EJECTION_MS.first), EJECTION_MS.last)
    this.#ejectedUntil = now + this.#ejectionMs
    return true
  }

  /** The client left before it was known whether the backend accepts. */
  abandoned(): void {
    this.#isTried = false
  }
}

/** The name by which DNS knows a Service: with its namespace where there is one. */
function addressOf(spec: BackendSpec, namespace: string | undefined): BackendAddress {
  if (spec.service) {
    const { name, port } = spec.service
    return { kind: 'tcp', host: namespace ? `${name}.${namespace}.svc` : name, port }
  }
  if (spec.unixPath !== undefined) return { kind: 'unix', path: spec.unixPath }
  if (spec.host !== undefined && spec.port !== undefined) return { kind: 'tcp', host: spec.host, port: spec.port }
  throw new TypeError('a backend has none of its forms: the contract lets no such one through')
}

function nameOf(address: BackendAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
