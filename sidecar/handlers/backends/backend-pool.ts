import type { Backend as BackendSpec, Balance } from '../../../crds/index.ts'
import { Backend, type BackendState } from './backend.ts'
import { type Balancer, createBalancer } from './balance.ts'

/** The backends of one handler. */
export class BackendPool {
  readonly #backends: readonly Backend[]
  /** Those of a weight above 0. */
  readonly #eligible: readonly Backend[]
  readonly #balance: Balancer
  readonly #now: () => number

  /** @param now Monotonic milliseconds. */
  constructor(
    specs: readonly BackendSpec[],
    balance: Balance,
    namespace: string | undefined,
    random: () => number,
    now: () => number,
  ) {
    this.#backends = specs.map((spec) => new Backend(spec, namespace))
    this.#eligible = this.#backends.filter((backend) => backend.weight > 0)
    this.#balance = createBalancer(balance, random)
    this.#now = now
  }

  /** In the order of the manifest. */
  states(): readonly BackendState[] {
    return this.#backends.map((backend) => backend.state())
  }

  /**
   * The next backend for a client that `tried` some already. Ejected ones are chosen only when no other is left: then
   * trying is better than refusing. Undefined when all were tried.
   */
  choose(tried: readonly Backend[]): Backend | undefined {
    const untried = tried.length === 0 ? this.#eligible : this.#eligible.filter((backend) => !tried.includes(backend))
    // With a single one there is nothing to choose.
    if (untried.length <= 1) return untried[0]
    const now = this.#now()
    const isEveryoneOpen = untried.every((backend) => backend.isOpen(now))
    const open = isEveryoneOpen ? untried : untried.filter((backend) => backend.isOpen(now))
    return this.#balance(open.length > 0 ? open : untried)
  }

  /** Returns true when the backend is ejected by it. */
  failed(backend: Backend): boolean {
    return backend.failed(this.#now())
  }
}
