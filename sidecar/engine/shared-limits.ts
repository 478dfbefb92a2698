import type { SourceRefusal } from './stages/admission.ts'

/** A limit: of one listener by its name, or of all by the empty name. */
export type LimitName = string

/**
 * Limits that hold over several processes. A process holds places in advance, so that most clients cost no word to
 * another process; more are asked for before a client is refused.
 */
export interface SharedLimits {
  /** Whether no place is left of those this process holds. */
  isFull(limit: LimitName): boolean
  /**
   * Asks for places where none is left, of the listener's limit or of that over all. False when there are none; true
   * says that it is worth to look again, as another client may have come first.
   */
  obtain(listener: LimitName): Promise<boolean>
  /** A client took a place of the listener, and so one of all. */
  taken(listener: LimitName): void
  /** It gave them back. */
  freed(listener: LimitName): void
  /** Whether clients are counted by their source. */
  readonly countsSources: boolean
  /** Counts a client of an address, or tells why it may not enter. A number is given back by `leave`. */
  enter(address: string): Promise<number | SourceRefusal>
  leave(entry: number): void
}
