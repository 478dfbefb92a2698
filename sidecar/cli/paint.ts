/** How text may look on a terminal. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Makes text look so, where colours are wanted. */
export type Paint = (text: string, style: Style) => string

// SGR parameters (ECMA-48, 8.3.117): begin and end of each.
const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

/** Leaves text as it is. */
export const plain: Paint = (text) => text

/** Paints with escape sequences. */
export const ansi: Paint = (text, style) => `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m`

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of `ansi` begin with one
const SEQUENCE = /\u001b\[\d+m/y
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const DOUBLE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u

const widthOfOne = (character: string): number => {
  if (character <= '~') return 1
  if (ZERO.test(character)) return 0
  return DOUBLE.test(character) ? 2 : 1
}

/** Columns that unpainted text takes on a terminal. */
export const widthOf = (text: string): number => {
  let width = 0
  for (const character of text) width += widthOfOne(character)
  return width
}

/** The beginning of a line, painted or not, that takes at most `width` columns. What is painted ends so. */
export const crop = (line: string, width: number): string => {
  let taken = ''
  let columns = 0
  for (let at = 0; at < line.length; ) {
    SEQUENCE.lastIndex = at
    const [sequence] = SEQUENCE.exec(line) ?? []
    if (sequence !== undefined) {
      taken += sequence
      at += sequence.length
      continue
    }
    const character = String.fromCodePoint(line.codePointAt(at) ?? 0)
    columns += widthOfOne(character)
    if (columns <= width) taken += character
    at += character.length
  }
  return taken
}
