import type { Cell, Summary } from './summary.ts'

/**
 * The result as a table that is Markdown as well: medians, and in parentheses how many times the cost of the bare
 * forwarder of the same runtime it is. Below it what could not be measured.
 */
export function renderTable({ contestants, columns, cells }: Summary): string {
  const head = ['', ...columns.map(({ title, unit }) => `${title} (${unit})`)]
  const rows = contestants.map(({ id, title }) => [
    title,
    ...columns.map((column) => shown(cells[id]?.[column.id], column.digits)),
  ])
  const widths = head.map((cell, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0), cell.length))
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const problems = contestants.flatMap(({ id, title }) =>
    columns.flatMap((column) =>
      (cells[id]?.[column.id]?.problems ?? []).map((problem) => `${title}, ${column.title}: ${problem}`),
    ),
  )
  return [line(head), rule, ...rows.map(line), ...(problems.length > 0 ? ['', ...problems] : []), ''].join('\n')
}

function shown(cell: Cell | undefined, digits: number): string {
  if (cell?.median === undefined) return '-'
  const value = cell.median.toFixed(digits)
  return cell.toFloor === undefined ? value : `${value} (${cell.toFloor.toFixed(2)})`
}
