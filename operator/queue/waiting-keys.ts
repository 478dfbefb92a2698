/** Of so many keys that are taken one is new, while others wait. */
const TURNS = 4

interface Waiting {
  readonly key: string
  /** When it began to wait, in milliseconds since the epoch. */
  readonly since: number
}

/**
 * Keys that wait, each once, in two lines: those that were worked on before, or asked for again, and new ones. New ones get
 * every fourth turn, so that thousands that come at once hold up neither a change of what runs nor the end of what is begun.
 */
export class WaitingKeys {
  readonly #begun = new Map<string, number>()
  readonly #fresh = new Map<string, number>()
  #turn = 0

  get size(): number {
    return this.#begun.size + this.#fresh.size
  }

  /** Takes a key in. One that waits already keeps its time, and goes over to the begun ones: somebody asked again. */
  add(key: string, since: number, isBegun: boolean): void {
    const waits = this.#fresh.get(key)
    this.#fresh.delete(key)
    if (this.#begun.has(key)) return
    if (isBegun || waits !== undefined) this.#begun.set(key, waits ?? since)
    else this.#fresh.set(key, since)
  }

  has(key: string): boolean {
    return this.#begun.has(key) || this.#fresh.has(key)
  }

  /** Takes the next one out; undefined when none waits. */
  take(): Waiting | undefined {
    const [begun, fresh] = [this.#begun, this.#fresh]
    // Turns are counted while both wait.
    if (begun.size > 0 && fresh.size > 0) this.#turn = (this.#turn + 1) % TURNS
    const line = begun.size === 0 || (fresh.size > 0 && this.#turn === 0) ? fresh : begun
    for (const [key, since] of line) {
      line.delete(key)
      return { key, since }
    }
    return undefined
  }

  clear(): void {
    this.#begun.clear()
    this.#fresh.clear()
  }
}
