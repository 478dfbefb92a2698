// `npm run generate` prints the files that are made of the contract; with `--check` it tells whether they are as they should be.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { crdYaml } from './crd.ts'
import { jsonSchemaText } from './json-schema.ts'
import { type Example, referenceText } from './reference.ts'

const place = (name: string) => new URL(name, import.meta.url)

const examples = (): Example[] =>
  readdirSync(place('examples/valid/'))
    .sort()
    .map((file) => ({ file, document: load(readFileSync(place(`examples/valid/${file}`), 'utf8')) }))

const PRINTED: Readonly<Record<string, () => string>> = {
  'socketservers.yaml': crdYaml,
  'socketserver.schema.json': jsonSchemaText,
  'REFERENCE.md': () => referenceText(examples()),
}

const current = (name: string): string | undefined => {
  try {
    return readFileSync(place(name), 'utf8')
  } catch {
    return undefined
  }
}

function generate(check: boolean): number {
  let stale = 0
  // Nothing is written when one of them cannot be printed.
  const texts = Object.entries(PRINTED).map(([name, print]) => [name, print()] as const)
  for (const [name, text] of texts) {
    if (current(name) === text) continue
    stale += 1
    if (check) console.error(`crds/${name} is not what the contract says: run "npm run generate" and commit it`)
    else {
      writeFileSync(place(name), text)
      console.log(`crds/${name} is printed (${Math.ceil(text.length / 1024)} KB)`)
    }
  }
  if (stale === 0) console.log('everything is as the contract says')
  return check && stale > 0 ? 1 : 0
}

const unknown = process.argv.slice(2).filter((word) => word !== '--check')
if (unknown.length > 0) {
  console.error(`generate knows no "${unknown.join(' ')}": it takes --check, or nothing`)
  process.exit(2)
}
try {
  process.exitCode = generate(process.argv.includes('--check'))
} catch (error) {
  console.error(`the contract cannot be printed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
