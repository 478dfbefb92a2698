import { CATALOGUE, type ErrorCode, SocketServerError } from '../base/errors.ts'

/** What a side can be asked, by name; every argument and result can be cloned. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments are those of each method
type Methods = { readonly [Name in string]: (...args: any[]) => unknown }

/** The other process is gone, or its end of the channel. */
export class ChannelClosedError extends Error {
  constructor() {
    super('the other process is gone')
    this.name = 'ChannelClosedError'
  }
}

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** An error as it travels. */
interface ToldError {
  readonly message: string
  readonly code: string | undefined
  readonly hint: string | undefined
}

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: 'tell'; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ToldError }

/**
 * Calls between two processes over a channel that keeps the order and loses nothing while both live.
 * `Theirs` is what the other side can be asked.
 */
export class Channel<Theirs extends object> {
  readonly #send: (message: object) => void
  #mine: Methods = {}
  readonly #asked = new Map<number, Asked>()
  #calls = 0
  #isClosed = false

  /** @param send Sends a message; must not throw. */
  constructor(send: (message: object) => void) {
    this.#send = send
  }

  /** What the other side may ask from here on. */
  serve(methods: object): void {
    this.#mine = methods as Methods
  }

  /** Calls a method of the other side. @throws {ChannelClosedError} When the other side is gone before it answered. */
  call<Name extends keyof Theirs & string>(
    method: Name,
    ...args: Theirs[Name] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Awaited<Theirs[Name] extends (...args: never[]) => infer Result ? Result : never>> {
    if (this.#isClosed) return Promise.reject(new ChannelClosedError())
    this.#calls += 1
    const id = this.#calls
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#send({ kind: 'call', id, method, args } satisfies Message)
    })
  }

  /** The same without an answer. */
  tell<Name extends keyof Theirs & string>(
    method: Name,
    ...args: Theirs[Name] extends (...args: infer Args) => unknown ? Args : never
  ): void {
    if (!this.#isClosed) this.#send({ kind: 'tell', method, args } satisfies Message)
  }

  /** Takes what came from the other side. */
  received(message: unknown): void {
    const one = message as Message
    switch (one.kind) {
      case 'call':
        void this.#answer(one.id, one.method, one.args)
        break
      case 'tell':
        this.#mine[one.method]?.(...one.args)
        break
      case 'value':
        this.#settle(one.id)?.resolve(one.value)
        break
      case 'error':
        this.#settle(one.id)?.reject(errorOf(one.error))
        break
    }
  }

  /** The other side is gone: whoever waits for it is told. */
  close(): void {
    this.#isClosed = true
    for (const asked of this.#asked.values()) asked.reject(new ChannelClosedError())
    this.#asked.clear()
  }

  async #answer(id: number, method: string, args: readonly unknown[]): Promise<void> {
    try {
      const value = await this.#mine[method]?.(...args)
      this.#send({ kind: 'value', id, value } satisfies Message)
    } catch (error) {
      const { message, code, hint } = error as SocketServerError
      this.#send({ kind: 'error', id, error: { message, code, hint } } satisfies Message)
    }
  }

  #settle(id: number): Asked | undefined {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    return asked
  }
}

function errorOf({ message, code, hint }: ToldError): Error {
  if (code === undefined || !Object.hasOwn(CATALOGUE, code)) return new Error(message)
  // The summary is put before the detail again.
  const detail = message.slice(CATALOGUE[code as ErrorCode].summary.length + 2)
  return new SocketServerError(code as ErrorCode, detail, hint === undefined ? {} : { hint })
}
