import type { HandlerSpec } from '../../crds/index.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Handler } from '../engine/ports.ts'
import type { BackendMaterial } from './backends/backend-tls.ts'
import { createEcho } from './echo.ts'
import { createForward, createPassthrough } from './forward.ts'
import { createRedirect } from './redirect/redirect.ts'

/** What handlers need of the place they run in. */
export interface HandlerDependencies {
  /** The manifest's namespace. */
  readonly namespace: string | undefined
  readonly log: Log
  /** Milliseconds a backend has to accept. */
  readonly connectMs: number
  /** Certificates for `forward.tls`, asked once per connection; the same object while nothing changed. */
  readonly material?: () => BackendMaterial
  readonly clock?: Clock
}

/**
 * The handler that a manifest describes. Those with backends have `backends()` besides.
 * @throws {TypeError} When the member that the type names is missing, which the contract lets nobody write.
 */
export function createHandler(spec: HandlerSpec, dependencies: HandlerDependencies): Handler {
  const { clock = systemClock, ...rest } = dependencies
  switch (spec.type) {
    case 'Forward':
      return createForward({ ...rest, spec: present(spec.forward, 'forward') })
    case 'Passthrough':
      return createPassthrough({ ...rest, spec: present(spec.passthrough, 'passthrough') })
    case 'Redirect':
      return createRedirect({ spec: spec.redirect ?? { statusCode: 302 }, clock })
    case 'Echo':
      return createEcho()
  }
}

function present<T>(member: T | undefined, name: string): T {
  if (member === undefined) throw new TypeError(`Cannot create the handler: ${name} is missing`)
  return member
}
