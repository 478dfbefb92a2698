import { Histogram } from 'prom-client'

/** Counts of one series, kept by whoever observes: `buckets[i]` those at most `bounds[i]` and above the bound before it. */
export interface RawSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

/** A histogram that is told its counts when it is read, so that an observation costs two additions and no call. */
export class RawHistogram extends Histogram<string> {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #read: () => readonly RawSeries[]

  constructor(options: {
    readonly name: string
    readonly help: string
    readonly labelNames: readonly string[]
    readonly bounds: readonly number[]
    readonly read: () => readonly RawSeries[]
  }) {
    super({
      name: options.name,
      help: options.help,
      labelNames: [...options.labelNames],
      buckets: [...options.bounds],
      registers: [],
    })
    this.#name = options.name
    this.#help = options.help
    this.#bounds = options.bounds
    this.#read = options.read
  }

  // The registry of prom-client asks for this one first and for get() when it is missing.
  getForPromString(): ReturnType<Histogram<string>['get']> {
    return this.get()
  }

  override get(): ReturnType<Histogram<string>['get']> {
    const values = this.#read().flatMap(({ labels, buckets, sum, count }) => {
      let below = 0
      const named = (suffix: string, value: number, le?: string) => ({
        metricName: `${this.#name}_${suffix}`,
        labels: le === undefined ? labels : { le, ...labels },
        value,
      })
      return [
        ...this.#bounds.map((bound, i) => {
          below += buckets[i] ?? 0
          return named('bucket', below, String(bound))
        }),
        named('bucket', count, '+Inf'),
        named('sum', sum),
        named('count', count),
      ]
    })
    return Promise.resolve({
      name: this.#name,
      help: this.#help,
      type: 'histogram',
      values,
      aggregator: 'sum',
    }) as ReturnType<Histogram<string>['get']>
  }
}
