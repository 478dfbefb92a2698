/** Labels a sample must have, among others. */
export type Labels = Readonly<Record<string, string>>

/** One scrape of `/metrics`. */
export interface Metrics {
  readonly text: string
  /** Sum of all samples of that name which have all these labels; 0 when there are none. */
  sum(name: string, labels?: Labels): number
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** Reads the Prometheus text format. */
export function parseMetrics(text: string): Metrics {
  const samples = text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(LABEL)].map(([, label, content]) => [label, content])
    return [{ name, value: Number(value), labels: Object.fromEntries(pairs) as Labels }]
  })
  return {
    text,
    sum(name, wanted = {}) {
      let sum = 0
      for (const sample of samples) {
        const fits = Object.entries(wanted).every(([label, content]) => sample.labels[label] === content)
        if (sample.name === name && fits) sum += sample.value
      }
      return sum
    },
  }
}
