import { dump } from 'js-yaml'
import { listRules } from './catalogue.ts'
import { type FieldDoc, fieldsOf, listFields } from './explain.ts'
import { FIELD_RECORDS } from './fields.ts'
import { shapeOf } from './shape.ts'
import { refusal } from './structural.ts'
import { API_VERSION, KIND } from './v1alpha1/socket-server.ts'
import { statusSchema } from './v1alpha1/status.ts'

/** A resource that shows fields in use, with the file it is from. */
export interface Example {
  readonly file: string
  readonly document: unknown
}

/** Every value at a path of the form `spec.listeners[].port`. */
function valuesAt(document: unknown, path: string): unknown[] {
  return path.split('.').reduce<unknown[]>(
    (values, step) => {
      const name = step.replace(/\[\]$/, '')
      const below = values.flatMap((value) => {
        const inner = (value as Record<string, unknown> | null | undefined)?.[name]
        return inner === undefined ? [] : [inner]
      })
      return step.endsWith('[]') ? below.flat() : below
    },
    [document],
  )
}

/** The shortest use of a field in the examples that says something. */
function exampleOf(field: FieldDoc, examples: readonly Example[]): string | undefined {
  const path = field.path.replace(/\[\]$/, '')
  const name = path.slice(path.lastIndexOf('.') + 1)
  const uses = examples.flatMap(({ file, document }) =>
    valuesAt(document, path).map((value) => ({
      file,
      text: dump({ [name]: value }, { noRefs: true, lineWidth: 100 }),
    })),
  )
  const [best] = uses.sort((a, b) => emptiness(a.text) - emptiness(b.text) || a.text.length - b.text.length)
  if (best === undefined) return undefined
  return `\`\`\`yaml\n# from examples/valid/${best.file}\n${best.text}\`\`\``
}

/** An empty value shows nothing. */
const emptiness = (text: string): number => (/: (\[\]|\{\}|''|"")\n$/.test(text) ? 1 : 0)

const code = (text: string | number) => `\`${text}\``

function facts(field: FieldDoc): string[] {
  const since = FIELD_RECORDS.get(field.path)?.since
  if (since === undefined)
    throw refusal(field.path, 'since when the field is there: add it to the table in crds/fields.ts')
  return [
    `Type: ${code(field.type)}`,
    field.path.startsWith('status') ? 'Reported' : field.required ? '**Required**' : 'Optional',
    ...(field.default === undefined ? [] : [`Default: ${code(field.default)}`]),
    ...(field.bounds === '' ? [] : [`Bounds: ${field.bounds}`]),
    `Since: ${since}`,
  ]
}

function section(field: FieldDoc, examples: readonly Example[]): string {
  const example = exampleOf(field, examples)
  return [
    `### ${field.path}`,
    facts(field).join(' · '),
    field.description,
    ...(field.values.length === 0 ? [] : [`Values: ${field.values.map(code).join(', ')}`]),
    ...(field.patterns.length === 0 ? [] : [`Pattern: ${field.patterns.map(code).join(' and ')}`]),
    ...(field.rules.length === 0
      ? []
      : [
          ['Rules:', ...field.rules.map(({ id, message, cure }) => `* ${code(id)}: ${message}. Cure: ${cure}.`)].join(
            '\n',
          ),
        ]),
    ...(example === undefined ? [] : [example]),
  ].join('\n\n')
}

/** The rules that the API server does not check, with the reason. */
function leftToAccepted(): string {
  const rows = listRules().flatMap(({ rule }) =>
    rule.cel === null && rule.severity === 'problem' ? [`| ${code(rule.id)} | ${rule.message} | ${rule.why} |`] : [],
  )
  return ['| Rule | What is wrong | Why the API server cannot say so |', '|---|---|---|', ...rows].join('\n')
}

/**
 * The reference of every field, as Markdown.
 * @throws {TypeError} When a field is in no row of the table of fields.
 */
export function referenceText(examples: readonly Example[]): string {
  const status = shapeOf(statusSchema, 'status')
  const fields = [...listFields(), ...fieldsOf(status, 'status')]
  return `${[
    `# ${KIND} (\`${API_VERSION}\`)`,
    'Printed by `npm run generate` from the contract in `crds/v1alpha1`. Do not edit.',
    'Each field, in the order of the resource: its type, whether it must be there, its default and bounds, the rules over it, an example ' +
      'from `examples/valid`, and the version that had it first. A list is marked by `[]`; a rule is told where its fields meet. ' +
      '`socketserver explain FIELD` says the same in a terminal, `kubectl explain socketserver.FIELD` beside a cluster.',
    'Objects are closed: `kubectl` and `socketserver` refuse a field that is not listed here.',
    '## Rules that the API server leaves to the condition `Accepted`',
    'All other rules are checked on admission. These are reported by `socketserver validate`, and by `Accepted` once the resource is stored:',
    leftToAccepted(),
    '## Fields',
    ...fields.map((field) => section(field, examples)),
  ].join('\n\n')}\n`
}
