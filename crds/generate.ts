// `npm run generate` prints the files that are made of the contract; with `--check` it tells whether they are as they should be.
import { readdirSync, readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { crdYaml } from './crd.ts'
import { jsonSchemaText } from './json-schema.ts'
import { printFiles } from './print-files.ts'
import { type Example, referenceText } from './reference.ts'

const HERE = new URL('./', import.meta.url)

const examples = (): Example[] =>
  readdirSync(new URL('examples/valid/', HERE))
    .sort()
    .map((file) => ({ file, document: load(readFileSync(new URL(`examples/valid/${file}`, HERE), 'utf8')) }))

process.exitCode = printFiles(
  { directory: HERE, label: 'crds', source: 'the contract' },
  {
    'socketservers.yaml': crdYaml,
    'socketserver.schema.json': jsonSchemaText,
    'REFERENCE.md': () => referenceText(examples()),
  },
  process.argv.slice(2),
)
