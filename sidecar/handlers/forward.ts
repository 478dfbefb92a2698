import type { ForwardSpec, PassthroughSpec } from '../../crds/index.ts'
import type { Log } from '../base/log.ts'
import type { CloseReason } from '../engine/close-reason.ts'
import type { Handler, SocketClient } from '../engine/ports.ts'
import type { Backend, BackendState } from './backends/backend.ts'
import { BackendPool } from './backends/backend-pool.ts'
import { type BackendMaterial, BackendSecurity } from './backends/backend-tls.ts'
import { connectBackend, type OpeningOutcome } from './backends/connect-backend.ts'
import { encodeProxyV1 } from './proxy-protocol/encode-v1.ts'
import { encodeProxyV2 } from './proxy-protocol/encode-v2.ts'
import { relay } from './relay.ts'

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

/** Which reason tells most, when several backends failed in different ways. */
const REASONS = [
  ['untrusted', 'BackendUntrusted'],
  ['timeout', 'BackendTimeout'],
  ['refused', 'BackendUnreachable'],
] as const satisfies readonly (readonly [OpeningOutcome['kind'], CloseReason])[]

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
  const header = HEADERS[spec.proxyProtocol]

  const attempt = (client: SocketClient, tried: Backend[], failures: readonly Failure[]): void => {
    const backend = pool.choose(tried)
    if (!backend) {
      giveUp(client, failures)
      return
    }
    tried.push(backend)
    client.backend = backend.name
    const secured = security?.options(backend.address, client.alpnProtocol)
    if (secured?.kind === 'problem') {
      client.close('BackendUntrusted', secured.detail)
      return
    }
    backend.enter()
    const opening = { address: backend.address, timeoutMs: connectMs, header: header(client), tls: secured?.options }
    const connecting = connectBackend(opening, {
      // Reads into the stream's own buffer, so that a client that resets meanwhile is noticed.
      waiting: () => client.stream.read(0),
      settled: (outcome) => {
        if (outcome.kind === 'open') {
          if (backend.connected()) log('info', 'backend is back', { backend: backend.name })
          relay(client, outcome.connection)
          return
        }
        const { kind, detail } = outcome
        if (kind === 'exhausted') {
          // No other would be reached either, and none of them is to be left out for it.
          backend.abandoned()
          client.close('BackendUnreachable', detail)
          return
        }
        if (pool.failed(backend)) log('warn', 'backend does not accept', { backend: backend.name, cause: kind, detail })
        attempt(client, tried, [...failures, { kind, text: `${backend.name}: ${detail}` }])
      },
    })
    connecting.transport.once('close', () => backend.left())
    client.onClose = () => {
      backend.abandoned()
      connecting.cancel()
    }
  }

  return {
    serve: (client) => attempt(client, [], []),
    backends: () => pool.states(),
  }
}

interface Failure {
  readonly kind: Exclude<OpeningOutcome['kind'], 'open' | 'exhausted'>
  readonly text: string
}

function giveUp(client: SocketClient, failures: readonly Failure[]): void {
  const [, reason] = REASONS.find(([kind]) => failures.some((failure) => failure.kind === kind)) ?? REASONS[2]
  client.close(reason, failures.map((failure) => failure.text).join('; '))
}
