import { Gauge, type GaugeConfiguration } from 'prom-client'

/** One series: its labels, and its value now. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

function* valuesOf(samples: Iterable<Sample>) {
  for (const [labels, value] of samples) yield { labels, value }
}

/** A gauge of thousands of series, none of which is held: each is made when its line of a scrape is written, and let go. */
export class PassingGauge extends Gauge<string> {
  readonly #read: () => Iterable<Sample>

  constructor(configuration: GaugeConfiguration<string>, read: () => Iterable<Sample>) {
    super(configuration)
    this.#read = read
  }

  override async get() {
    const told = await super.get()
    // Whoever writes the lines goes through them once, and needs no list.
    return { ...told, values: valuesOf(this.#read()) as unknown as typeof told.values }
  }
}
