import type { Log } from '../base/log.ts'
import type { CloseReason } from '../engine/close-reason.ts'
import { causeOf } from '../engine/defects.ts'
import type { SocketClient } from '../engine/ports.ts'
import type { Backend } from './backends/backend.ts'
import type { BackendPool } from './backends/backend-pool.ts'
import type { BackendSecurity } from './backends/backend-tls.ts'
import { type ConnectWatcher, connectBackend, type OpeningOutcome } from './backends/connect-backend.ts'
import { takesAtOnce } from './backends/lent-buffer.ts'
import { relay } from './relay.ts'

/** What all clients of one handler are forwarded by. */
export interface Way {
  readonly pool: BackendPool
  readonly security: BackendSecurity | undefined
  /** The PROXY protocol header for a client. */
  readonly header: (client: SocketClient) => Buffer | undefined
  /** Milliseconds a backend has to accept, TLS included. */
  readonly connectMs: number
  readonly log: Log
}

interface Failure {
  readonly kind: Exclude<OpeningOutcome['kind'], 'open' | 'exhausted'>
  readonly text: string
}

/** Which reason tells most, when several backends failed in different ways. */
const REASONS = [
  ['untrusted', 'BackendUntrusted'],
  ['timeout', 'BackendTimeout'],
  ['refused', 'BackendUnreachable'],
] as const satisfies readonly (readonly [OpeningOutcome['kind'], CloseReason])[]

/** One client on its way to a backend: each is tried once, until one accepts. */
export class Forwarding {
  readonly client: SocketClient
  readonly way: Way
  #tried: readonly Backend[] = []
  #failures: readonly Failure[] = []

  constructor(client: SocketClient, way: Way) {
    this.client = client
    this.way = way
  }

  attempt(): void {
    const { client, way } = this
    const backend = way.pool.choose(this.#tried)
    if (!backend) {
      this.#giveUp()
      return
    }
    client.backend = backend.name
    const secured = way.security?.options(backend.address, client.alpnProtocol)
    if (secured?.kind === 'problem') {
      client.close('BackendUntrusted', secured.detail)
      return
    }
    backend.enter()
    const opening = {
      ...{ address: backend.address, timeoutMs: way.connectMs, header: way.header(client), tls: secured?.options },
      mayLend: takesAtOnce(client.stream),
    }
    const attempt = new Attempt(this, backend)
    const connecting = connectBackend(opening, attempt)
    client.onClose = () => {
      backend.abandoned()
      connecting.cancel()
    }
  }

  /** The next is tried. */
  failedAt(backend: Backend, { kind, detail }: { readonly kind: Failure['kind']; readonly detail: string }): void {
    const { pool, log } = this.way
    if (pool.failed(backend)) log('warn', 'backend does not accept', { backend: backend.name, cause: kind, detail })
    this.#tried = [...this.#tried, backend]
    this.#failures = [...this.#failures, { kind, text: `${backend.name}: ${detail}` }]
    this.attempt()
  }

  #giveUp(): void {
    const failures = this.#failures
    const [, reason] = REASONS.find(([kind]) => failures.some((failure) => failure.kind === kind)) ?? REASONS[2]
    this.client.close(reason, failures.map((failure) => failure.text).join('; '))
  }
}

/** One backend that is tried; once it has accepted nothing is left of the way there. */
class Attempt implements ConnectWatcher {
  readonly #backend: Backend
  #forwarding: Forwarding | undefined

  constructor(forwarding: Forwarding, backend: Backend) {
    this.#forwarding = forwarding
    this.#backend = backend
  }

  waiting(): void {
    // Reads into the stream's own buffer, so that a client that resets meanwhile is noticed.
    this.#forwarding?.client.stream.read(0)
  }

  settled(outcome: OpeningOutcome): void {
    const forwarding = this.#forwarding
    const backend = this.#backend
    if (forwarding === undefined) return
    const { client, way } = forwarding
    if (outcome.kind === 'open') {
      this.#forwarding = undefined
      if (backend.connected()) way.log('info', 'backend is back', { backend: backend.name })
      relay(client, outcome.connection)
      return
    }
    if (outcome.kind === 'exhausted') {
      // No other would be reached either, and none of them is to be left out for it.
      backend.abandoned()
      client.close('BackendUnreachable', outcome.detail)
      return
    }
    forwarding.failedAt(backend, outcome)
  }

  gone(): void {
    this.#backend.left()
  }

  failed(error: unknown): void {
    this.#forwarding?.client.close('HandlerFailed', causeOf(error))
  }
}
