import { load } from 'js-yaml'
import type { ValueEntry } from './value-comments.ts'

const shown = (value: unknown) => `\`${JSON.stringify(value)}\``
const cell = (text: string) => text.replaceAll('|', '\\|')

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly labels: { readonly severity: string }
      readonly annotations: { readonly summary: string }
    }[]
  }[]
}

/** What stands in the text of an alert for a label or a value, as a word. */
const spoken = (text: string): string =>
  text.replaceAll(/\{\{ \$(?:labels\.)?(\w+).*?\}\}/g, (_all, name: string) => name.toUpperCase())

/** The README of the chart: how it is installed, every value, and every alert of the rules. */
export const valuesReference = (entries: readonly ValueEntry[], rules: string): string =>
  [
    '# The chart of SocketServer',
    '',
    'Printed by `npm run generate` from [values.yaml](values.yaml) and [files/rules.yaml](files/rules.yaml). Do not edit.',
    '',
    '```sh',
    'helm install socketserver charts/socketserver --namespace socketserver --create-namespace \\',
    '  --set image.repository=REGISTRY/socketserver',
    '```',
    '',
    'It needs Kubernetes 1.31 or later. An unknown value is refused, with its name.',
    '',
    '## Values',
    '',
    '| value | default | what it is |',
    '|---|---|---|',
    ...entries.map(({ path, value, comment, isGroup }) =>
      isGroup ? `| **${path}** | | ${cell(comment)} |` : `| \`${path}\` | ${cell(shown(value))} | ${cell(comment)} |`,
    ),
    '',
    '## Alerts',
    '',
    'Of `metrics.prometheusRule` and [files/rules.yaml](files/rules.yaml). Each has the annotations `summary`, `description` and `runbook`.',
    '',
    '| alert | severity | what it tells |',
    '|---|---|---|',
    ...(load(rules) as Rules).groups.flatMap((group) =>
      group.rules.map(
        ({ alert, labels, annotations }) =>
          `| \`${alert}\` | ${labels.severity} | ${cell(spoken(annotations.summary))} |`,
      ),
    ),
    '',
  ].join('\n')
