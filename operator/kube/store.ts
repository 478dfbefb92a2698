import { keyOf, type ObjectMeta } from './objects.ts'

/** What a store holds: at least this much of each object. */
export interface Stored {
  readonly metadata: ObjectMeta
}

/** Told of each change; `after` undefined: the object is gone. */
export type StoreListener<T> = (key: string, after: T | undefined, before: T | undefined) => void

const versionOf = (item: Stored): number => Number(item.metadata.resourceVersion)

/**
 * The objects of one kind as last seen, by `namespace/name`. A version older than the one held is not taken, so that what a
 * write returned is not undone by an event that was on its way.
 */
export class Store<T extends Stored> {
  readonly #items = new Map<string, T>()
  readonly #listeners: StoreListener<T>[] = []
  /** Whether the first complete list is in. */
  synced = false

  get size(): number {
    return this.#items.size
  }

  get(key: string): T | undefined {
    return this.#items.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#items.keys()
  }

  values(): IterableIterator<T> {
    return this.#items.values()
  }

  /** Calls back at each change from now on. */
  listen(listener: StoreListener<T>): void {
    this.#listeners.push(listener)
  }

  /** What is held of that very version of an object; undefined: another is held, or none. */
  sameAs(item: Stored): T | undefined {
    const held = this.#items.get(keyOf(item))
    const { resourceVersion } = item.metadata
    return resourceVersion !== undefined && held?.metadata.resourceVersion === resourceVersion ? held : undefined
  }

  /** Whether that version of an object is later than the one held. */
  isNews(item: Stored): boolean {
    const before = this.#items.get(keyOf(item))
    if (before === undefined) return true
    // Of an object that was deleted and made again the versions still grow.
    if (versionOf(item) < versionOf(before)) return false
    return item.metadata.resourceVersion !== before.metadata.resourceVersion
  }

  /** Takes one object, when it is news. */
  put(item: T): void {
    if (this.isNews(item)) this.#hold(item)
  }

  /** Takes one object as it came, when it is news: what was written here is often held already, and to trim it is most of the work. */
  take<Raw extends Stored>(object: Raw, trim: (object: Raw) => T): void {
    if (this.isNews(object)) this.#hold(trim(object))
  }

  /** The object is gone; `item` is its last version. */
  remove(item: Stored): void {
    const key = keyOf(item)
    const before = this.#items.get(key)
    if (before === undefined || versionOf(item) < versionOf(before)) return
    this.#items.delete(key)
    this.#tell(key, undefined, before)
  }

  /** The object is known to be gone: the server said so. */
  drop(key: string): void {
    const before = this.#items.get(key)
    if (before === undefined) return
    this.#items.delete(key)
    this.#tell(key, undefined, before)
  }

  /** Takes a whole list of one part (a namespace, or all): what is not in it is gone, and older versions count, for the server
   *  may have been set back. */
  replace(items: readonly T[], isPart: (key: string) => boolean): void {
    const next = new Set(items.map(keyOf))
    for (const key of [...this.#items.keys()]) if (isPart(key) && !next.has(key)) this.drop(key)
    for (const item of items) {
      const before = this.#items.get(keyOf(item))
      if (before?.metadata.resourceVersion !== item.metadata.resourceVersion) this.#hold(item)
    }
  }

  #hold(item: T): void {
    const key = keyOf(item)
    const before = this.#items.get(key)
    this.#items.set(key, item)
    this.#tell(key, item, before)
  }

  #tell(key: string, after: T | undefined, before: T | undefined): void {
    for (const listener of this.#listeners) listener(key, after, before)
  }
}
