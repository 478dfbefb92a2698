/** The place of one member in a roster; given to `delete` by whoever has it. */
export interface Seat<T extends object> {
  /** Undefined once the member has left. */
  member: T | undefined
  before: Seat<T> | undefined
  after: Seat<T> | undefined
}

/**
 * Members that come and go by the thousand, in the order in which they came. A `Set` would do but for the memory: V8
 * replaces its table every few changes, and a table that was kept for a while keeps all later ones, with every member in
 * them, until the whole heap is collected. Here who has left refers to nobody.
 */
export class Roster<T extends object> implements Iterable<T> {
  #first: Seat<T> | undefined = undefined
  #last: Seat<T> | undefined = undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Who came before all others that are there. */
  get first(): T | undefined {
    return this.#first?.member
  }

  add(member: T): Seat<T> {
    const seat: Seat<T> = { member, before: this.#last, after: undefined }
    if (this.#last) this.#last.after = seat
    else this.#first = seat
    this.#last = seat
    this.#size += 1
    return seat
  }

  /** Does nothing for one that has left already. */
  delete(seat: Seat<T>): void {
    if (seat.member === undefined) return
    const { before, after } = seat
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    seat.member = undefined
    seat.before = undefined
    seat.after = undefined
    this.#size -= 1
  }

  /** Over those that are there now, whoever leaves or comes meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    const members: T[] = []
    for (let seat = this.#first; seat?.member !== undefined; seat = seat.after) members.push(seat.member)
    return members.values()
  }
}
