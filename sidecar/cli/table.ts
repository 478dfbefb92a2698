import { printable } from '../control/log-line.ts'
import { type Paint, type Style, widthOf } from './paint.ts'

/** One column of a table. */
export interface Column<Row> {
  /** In capitals; sorting and help name the column by it. */
  readonly title: string
  /** Numbers stand on the right. */
  readonly align?: 'right'
  /** Whether it is shown with `-o wide` alone. */
  readonly isWide?: boolean
  text(row: Row): string
  style?(row: Row): Style | undefined
}

/** Space between two columns. */
const GAP = '  '

/** The lines of a table, a line of titles first. What is empty is shown as `-`, so that every line has as many words. */
export const tableLines = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly isWide: boolean; readonly paint: Paint },
): string[] => {
  const { isWide, paint } = options
  const shown = columns.filter((column) => isWide || column.isWide !== true)
  const cells = rows.map((row) => shown.map((column) => printable(column.text(row)) || '-'))
  const widths = shown.map((column, at) =>
    cells.reduce((width, line) => Math.max(width, widthOf(line[at] ?? '')), column.title.length),
  )
  const line = (texts: readonly string[], styleOf: (at: number) => Style | undefined): string =>
    texts
      .map((text, at) => {
        const space = ' '.repeat((widths[at] ?? 0) - widthOf(text))
        const style = styleOf(at)
        const painted = style === undefined ? text : paint(text, style)
        if (shown[at]?.align === 'right') return space + painted
        // Nothing is padded that stands last.
        return at === texts.length - 1 ? painted : painted + space
      })
      .join(GAP)
  return [
    line(
      shown.map(({ title }) => title),
      () => 'bold',
    ),
    ...cells.map((texts, i) => line(texts, (at) => shown[at]?.style?.(rows[i] as Row))),
  ]
}
