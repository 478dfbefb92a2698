import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump, load } from 'js-yaml'
import { CHART } from './helm.ts'

/** The version of an older chart. */
const OLDER = '0.0.9'

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: { readonly spec: { readonly properties: Fields } } }
      }
    }[]
  }
}

type Fields = Record<string, unknown>

/**
 * Writes the chart of the sources as one of an earlier release would be: its version is lower, and its definition has not got
 * the named field of `spec` yet. Resolves with its directory.
 */
export async function writeOlderChart(directory: string, field: string): Promise<string> {
  const chart = join(directory, 'socketserver')
  await cp(CHART, chart, { recursive: true })
  const metadata = join(chart, 'Chart.yaml')
  const text = await readFile(metadata, 'utf8')
  await writeFile(metadata, text.replace(/^version: .*$/m, `version: ${OLDER}`))
  const definition = join(chart, 'files', 'crd-spec.yaml')
  const { spec } = load(await readFile(definition, 'utf8')) as Definition
  for (const { schema } of spec.versions) {
    const fields = schema.openAPIV3Schema.properties.spec.properties
    if (!(field in fields)) throw new Error(`the definition of the chart has no field "spec.${field}"`)
    delete fields[field]
  }
  await writeFile(definition, dump({ spec }, { noRefs: true }))
  return chart
}
