// Prints the files of the chart that are made of something else; with `--check` it tells whether they are as they should be.
import { readFileSync } from 'node:fs'
import { dump } from 'js-yaml'
import { customResourceDefinition } from '../crds/crd.ts'
import { printFiles } from '../crds/print-files.ts'
import { dashboardJson } from './dashboard.ts'
import { leaseRules, workRules, workRulesWithSecrets } from './role-rules.ts'
import { valueEntries } from './value-comments.ts'
import { valuesJsonSchema } from './values-json-schema.ts'
import { valuesReference } from './values-reference.ts'

const CHART = new URL('socketserver/', import.meta.url)

const crdSpec = (): string => {
  const { spec } = customResourceDefinition() as { readonly spec: object }
  const body = dump({ spec }, { lineWidth: 120, noRefs: true })
  return `# Printed by "npm run generate" from the contract in crds/v1alpha1. Do not edit.\n${body}`
}

const read = (name: string) => readFileSync(new URL(name, CHART), 'utf8')
const entries = () => valueEntries(read('values.yaml'))

process.exitCode = printFiles(
  { directory: CHART, label: 'charts/socketserver', source: 'the chart' },
  {
    'files/crd-spec.yaml': crdSpec,
    'files/role-rules.yaml': workRules,
    'files/role-rules-with-secrets.yaml': workRulesWithSecrets,
    'files/lease-rules.yaml': leaseRules,
    'files/dashboard.json': dashboardJson,
    'values.schema.json': () => valuesJsonSchema(entries()),
    'README.md': () => valuesReference(entries(), read('files/rules.yaml')),
  },
  process.argv.slice(2),
)
