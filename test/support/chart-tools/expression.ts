/** What an expression of PromQL asks for. */
export interface Asked {
  /** Each series, and the labels by which it is selected. */
  readonly series: readonly { readonly name: string; readonly labels: readonly string[] }[]
  /** Labels by which it is grouped or matched. */
  readonly grouping: readonly string[]
}

const WORDS = new Set([
  'and',
  'or',
  'unless',
  'bool',
  'offset',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
])
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g

/** Reads the names of series and labels out of an expression; not its grammar, of which promtool judges. */
export function readExpression(expression: string): Asked {
  const text = expression.replaceAll(/\[[^\]]*\]/g, ' ')
  const grouping = [...text.matchAll(GROUPING)].flatMap(([, list = '']) => list.split(',').map((one) => one.trim()))
  const rest = text.replaceAll(GROUPING, ' ')
  const series = [...rest.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\})?(\s*\()?/g)].flatMap(
    ([, name = '', matchers = '', call]) => {
      if (call !== undefined || WORDS.has(name)) return []
      const labels = [...matchers.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label)
      return [{ name, labels }]
    },
  )
  return { series, grouping: grouping.filter((label) => label !== '') }
}
