import { costRatio, type Summary } from './summary.ts'

const BAR = 16
const GAP = 6
const LEFT = 220
const WIDTH = 900
const HEAD = 34
/** Ratios beyond it are cut off and written out. */
const MOST = 4

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const colourOf = (id: string) => (id.startsWith('engine-') ? '#2563eb' : id.startsWith('bare-') ? '#94a3b8' : '#f59e0b')

/**
 * The result as an SVG: for each column one bar per contestant, as long as its cost is to that of the cheapest of all.
 * Shorter is better in every column.
 */
export function renderPicture({ contestants, columns, cells }: Summary): string {
  const scale = (WIDTH - LEFT - 130) / MOST
  const parts: string[] = []
  let y = 10
  for (const column of columns) {
    const rows = contestants.flatMap(({ id, title }) => {
      const value = cells[id]?.[column.id]?.median
      return value === undefined ? [] : [{ id, title, value }]
    })
    const values = rows.map(({ value }) => value)
    if (values.length === 0) continue
    const best = column.isMoreBetter ? Math.max(...values) : Math.min(...values)
    y += HEAD
    parts.push(`<text x="10" y="${y - 12}" font-weight="bold">${escapeXml(column.title)}</text>`)
    for (const { id, title, value } of rows) {
      const ratio = costRatio(value, best, column.isMoreBetter)
      const width = Math.max(Math.min(ratio, MOST) * scale, 1)
      const label = `${ratio.toFixed(2)}  (${value.toFixed(column.digits)} ${column.unit})`
      parts.push(
        `<text x="${LEFT - 8}" y="${y + BAR - 4}" text-anchor="end">${escapeXml(title)}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colourOf(id)}"/>`,
        `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR - 4}">${escapeXml(label)}</text>`,
      )
      y += BAR + GAP
    }
  }
  const height = y + 20
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<line x1="${LEFT + scale}" x2="${LEFT + scale}" y1="20" y2="${height - 10}" stroke="#cbd5e1" stroke-dasharray="4 3"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}
