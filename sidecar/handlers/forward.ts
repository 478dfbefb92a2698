import type { ForwardSpec, PassthroughSpec } from '../../crds/index.ts'
import type { Log } from '../base/log.ts'
import type { Handler } from '../engine/ports.ts'
import type { BackendState } from './backends/backend.ts'
import { BackendPool } from './backends/backend-pool.ts'
import { type BackendMaterial, BackendSecurity } from './backends/backend-tls.ts'
import { Forwarding, type Way } from './forwarding.ts'
import { encodeProxyV1 } from './proxy-protocol/encode-v1.ts'
import { encodeProxyV2 } from './proxy-protocol/encode-v2.ts'

/** A handler that sends clients to backends. */
export interface ForwardHandler extends Handler {
  /** One state per backend, in the order of the manifest. */
  backends(): readonly BackendState[]
}

/** What a handler with backends needs of the place it runs in. */
export interface ForwardOptions<Spec = ForwardSpec> {
  readonly spec: Spec
  /** The manifest's namespace, by which a Service is found in DNS. */
  readonly namespace: string | undefined
  readonly log: Log
  /** Certificates for TLS towards the backends, asked once per connection; needed when the spec has `tls`. */
  readonly material?: () => BackendMaterial
  /** Milliseconds a backend has to accept, TLS included; 5,000. */
  readonly connectMs?: number
  /** A number from 0 up to 1; `Math.random`. */
  readonly random?: () => number
  /** Monotonic milliseconds; `performance.now`. */
  readonly now?: () => number
}

const HEADERS = { None: () => undefined, V1: encodeProxyV1, V2: encodeProxyV2 } as const

/**
 * The handler Forward: each client is connected to one backend and its bytes go both ways.
 *
 * A backend that does not accept (refused, unreachable, unknown to DNS, silent, no TLS, or not trusted) is ejected for
 * a while and the next is tried, each once per client. An untrusted one is no exception: nothing of the client but the
 * PROXY protocol header has reached it, and one backend with a wrong certificate is not to take the host down.
 * @throws {TypeError} When the spec has `tls` and no `material` is given.
 */
export function createForward(options: ForwardOptions): ForwardHandler {
  const { tls } = options.spec
  if (tls && !options.material) throw new TypeError('Cannot forward over TLS: material is not given')
  return forwardTo(options, tls && options.material ? new BackendSecurity(tls, options.material) : undefined)
}

/** The handler Passthrough: the client's TLS stream goes to a backend as it came. */
export function createPassthrough(options: ForwardOptions<PassthroughSpec>): ForwardHandler {
  return forwardTo(options, undefined)
}

function forwardTo(options: ForwardOptions<PassthroughSpec>, security: BackendSecurity | undefined): ForwardHandler {
  const { spec, namespace, log, connectMs = 5_000, random = Math.random, now = () => performance.now() } = options
  const pool = new BackendPool(spec.backends, spec.balance, namespace, random, now)
  const way: Way = { pool, security, header: HEADERS[spec.proxyProtocol], connectMs, log }

  return {
    guardsItself: true,
    serve: (client) => new Forwarding(client, way).attempt(),
    backends: () => pool.states(),
  }
}
