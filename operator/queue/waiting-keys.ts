/**
 * Why a key waits: something of one that ran is news; one is being brought up; one was never worked on; one that rests is
 * looked at because its time has come. The numbers are their shares of the turns while all of them wait. A look is over in a
 * hundredth of the time in which a new one is made, so that its share is larger.
 */
const SHARES = { news: 6, begun: 3, fresh: 1, look: 3 } as const

/** Why a key waits. */
export type Cause = keyof typeof SHARES

/** The causes, the more urgent before the less. */
const CAUSES = Object.keys(SHARES) as readonly Cause[]

interface Waiting {
  readonly key: string
  /** When it began to wait, in milliseconds since the epoch. */
  readonly since: number
  readonly cause: Cause
}

/**
 * Keys that wait, each once, in one line for each cause: first come, first served. Lines take turns by their shares, so that
 * thousands in one hold up nobody in another, and none is left out.
 */
export class WaitingKeys {
  readonly #lines = new Map(CAUSES.map((cause) => [cause, new Map<string, number>()] as const))
  /** How far each line is behind its share. */
  readonly #owed = new Map<Cause, number>()

  get size(): number {
    let size = 0
    for (const line of this.#lines.values()) size += line.size
    return size
  }

  /** Why that key waits; undefined: it does not. */
  causeOf(key: string): Cause | undefined {
    for (const [cause, line] of this.#lines) if (line.has(key)) return cause
    return undefined
  }

  /** Takes a key in. One that waits already keeps its time, and changes over to the line of a more urgent cause. */
  add(key: string, since: number, cause: Cause): void {
    const before = this.causeOf(key)
    if (before !== undefined && CAUSES.indexOf(before) <= CAUSES.indexOf(cause)) return
    const waits = before && this.#lines.get(before)?.get(key)
    if (before !== undefined) this.#lines.get(before)?.delete(key)
    this.#lines.get(cause)?.set(key, waits ?? since)
  }

  /** Takes the next one out; undefined when none waits. */
  take(): Waiting | undefined {
    const waiting = [...this.#lines].filter(([, line]) => line.size > 0)
    const shares = waiting.reduce((sum, [cause]) => sum + SHARES[cause], 0)
    const owed = waiting.map(([cause, line]) => ({ cause, line, is: (this.#owed.get(cause) ?? 0) + SHARES[cause] }))
    const [first] = owed.toSorted((one, other) => other.is - one.is)
    const next = first?.line.entries().next().value
    if (first === undefined || next === undefined) return undefined
    for (const { cause, is } of owed) this.#owed.set(cause, cause === first.cause ? is - shares : is)
    const [key, since] = next
    first.line.delete(key)
    return { key, since, cause: first.cause }
  }

  clear(): void {
    for (const line of this.#lines.values()) line.clear()
  }
}
