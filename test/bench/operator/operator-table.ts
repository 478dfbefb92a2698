import { type Calls, judged, MEASURES, type Measure, type OperatorRun } from './measures.ts'

/** The result as a table that is Markdown as well, each figure beside its bound; below it what the calls were. */
export function renderOperatorTable(runs: readonly OperatorRun[]): string {
  const head = ['', ...runs.map(({ count }) => `${count.toLocaleString('en')} SocketServers`)]
  const rows = MEASURES.map((measure: Measure) => [
    measure.unit === '' ? measure.title : `${measure.title} (${measure.unit})`,
    ...runs.map((run) => shown(run, measure)),
  ])
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const calls = runs.flatMap(({ count, callsNew, callsChanged }) => [
    `${count.toLocaleString('en')}, calls for a new one: ${listed(callsNew)}`,
    `${count.toLocaleString('en')}, calls for a changed one: ${listed(callsChanged)}`,
  ])
  return [line(head), rule, ...rows.map(line), '', ...calls, ''].join('\n')
}

function shown(run: OperatorRun, measure: Measure): string {
  const { value, most, isMet } = judged(run, measure)
  if (value === undefined) return '-'
  const text = value.toFixed(measure.digits)
  return isMet === undefined ? text : `${text} (at most ${most}: ${isMet ? 'met' : 'NOT MET'})`
}

const listed = (calls: Calls): string =>
  Object.entries(calls)
    .sort(([, one], [, other]) => other - one)
    .map(([what, each]) => `${what} ${each.toFixed(2)}`)
    .join(', ')
