import { type FieldDoc, fieldDoc, listFields } from '../../crds/index.ts'
import { type Arguments, usageError } from './command.ts'
import type { Terminal } from './terminal.ts'

const WIDTH = 100

/** Breaks text into lines that fit a terminal, each indented. */
const wrap = (text: string, indent: string): string => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line, ''].join('\n')
}

const fact = (name: string, value: string): string => (value === '' ? '' : wrap(`${name}: ${value}`, '  '))

/** The fields directly below one, each with its type and the first sentence about it. */
const members = (field: FieldDoc): string => {
  if (field.fields.length === 0) return ''
  const below = new Map(listFields().map((one) => [one.path.replace(/\[\]$/, ''), one]))
  const prefix = field.path === '' ? '' : `${field.path}.`
  const rows = field.fields.map((name): string => {
    const one = below.get(prefix + name)
    const first = one?.description.split(/(?<=[a-z0-9)"])\. /, 1)[0]?.replace(/\.$/, '') ?? ''
    return `  ${name}  <${one?.type ?? 'object'}>${one?.required === true ? ' required' : ''}\n${wrap(first, '      ')}`
  })
  return `\nFields:\n${rows.join('')}`
}

const describe = (field: FieldDoc): string =>
  [
    `${field.path === '' ? 'SocketServer' : field.path}  <${field.type}>\n\n`,
    wrap(field.description, '  '),
    field.path === '' ? '' : `\n${fact('Required', field.required ? 'yes' : 'no')}`,
    fact('Default', field.default ?? ''),
    fact('Bounds', field.bounds),
    fact('Values', field.values.join(', ')),
    fact('Pattern', field.patterns.join('  ')),
    field.rules.length === 0 ? '' : '\nRules:\n',
    ...field.rules.map((rule) => `${wrap(`${rule.id}: ${rule.message}`, '  ')}${wrap(`cure: ${rule.cure}`, '      ')}`),
    members(field),
  ].join('')

/**
 * What `socketserver explain` prints.
 *
 * @throws SocketServerError SS_USAGE for a field that is not there
 */
export const explainField = (given: Arguments, terminal: Terminal): Promise<number> => {
  if (given.flag('list')) {
    for (const one of listFields()) terminal.out(`${one.path}  <${one.type}>${one.required ? ' required' : ''}\n`)
    return Promise.resolve(0)
  }
  const [path = ''] = given.positionals
  const answer = fieldDoc(path)
  if (!answer.found) {
    throw usageError(
      `there is no field "${path}"`,
      answer.nearest.length === 0
        ? '"socketserver explain --list" lists all'
        : `did you mean ${answer.nearest.join(', ')}?`,
    )
  }
  terminal.out(describe(answer.field))
  return Promise.resolve(0)
}
