import { load } from 'js-yaml'

/** One entry of values.yaml that has a comment. */
export interface ValueEntry {
  /** For example `image.tag`. */
  readonly path: string
  readonly comment: string
  /** What it is unless somebody says otherwise; undefined for a group. */
  readonly value: unknown
  /** Whether it has entries of its own, each with a comment. */
  readonly isGroup: boolean
}

const KEY = /^( *)([A-Za-z]\w*):/
const COMMENT = /^ *# ?(.*)$/

const valueAt = (values: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], values)

/** The entries of a values file that have a comment right above them, in its order. */
export function valueEntries(text: string): readonly ValueEntry[] {
  const commented: { readonly path: string; readonly comment: string }[] = []
  const above: { readonly indent: number; readonly key: string }[] = []
  let comment: string[] = []
  for (const line of text.split('\n')) {
    const [, said] = COMMENT.exec(line) ?? []
    const [, spaces = '', key] = KEY.exec(line) ?? []
    if (said !== undefined) comment.push(said)
    else {
      if (key !== undefined) {
        while ((above.at(-1)?.indent ?? -1) >= spaces.length) above.pop()
        above.push({ indent: spaces.length, key })
        if (comment.length > 0)
          commented.push({ path: above.map((one) => one.key).join('.'), comment: comment.join(' ') })
      }
      comment = []
    }
  }
  const values = load(text)
  return commented.map(({ path, comment: words }) => {
    const isGroup = commented.some((other) => other.path.startsWith(`${path}.`))
    return { path, comment: words, value: isGroup ? undefined : valueAt(values, path), isGroup }
  })
}
