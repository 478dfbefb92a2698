import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { load } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import { fieldsOf } from '../../../crds/explain.ts'
import { FIELD_RECORDS } from '../../../crds/fields.ts'
import { listFields, statusSchema } from '../../../crds/index.ts'
import { shapeOf } from '../../../crds/shape.ts'
import { validSocketServer } from './arbitrary.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const asked = listFields()
const reported = fieldsOf(shapeOf(statusSchema, 'status'), 'status')
const spec = asked.filter(({ path }) => path.startsWith('spec'))

/** The paths of everything that stands in a document, in the form of the contract. */
function* pathsIn(value: unknown, path = ''): Generator<string> {
  if (Array.isArray(value)) {
    if (value.some((item) => item !== null && typeof item === 'object')) yield `${path}[]`
    else yield path
    for (const item of value) if (item !== null && typeof item === 'object') yield* pathsIn(item, `${path}[]`)
  } else if (value !== null && typeof value === 'object') {
    if (path !== '' && !path.endsWith('[]')) yield path
    for (const [name, inner] of Object.entries(value)) yield* pathsIn(inner, path === '' ? name : `${path}.${name}`)
  } else yield path
}

const examples = readdirSync(new URL('crds/examples/valid/', root)).map((file) =>
  load(read(`crds/examples/valid/${file}`)),
)

describe('each field of the contract', () => {
  test('is on record: since when, and what honours it', () => {
    expect([...FIELD_RECORDS.keys()].sort()).toEqual([...asked, ...reported].map(({ path }) => path).sort())
  })

  test('is honoured by a file that speaks of it', () => {
    const silent = spec.flatMap(({ path }) => {
      const file = FIELD_RECORDS.get(path)?.honouredBy
      if (file === undefined) return [`${path} is honoured by nothing: see crds/fields.ts`]
      const name = path.replace(/\[\]$/, '').split('.').at(-1) ?? ''
      const speaks = existsSync(new URL(file, root)) && new RegExp(`\\b${name}\\b`).test(read(file))
      return speaks ? [] : [`${file} does not speak of ${path}`]
    })
    expect(silent).toEqual([])
  })

  test('is set by an example', () => {
    const shown = new Set(examples.flatMap((document) => [...pathsIn(document)]))
    expect(spec.map(({ path }) => path).filter((path) => !shown.has(path))).toEqual([])
  })

  test('is made by the generator of valid resources, now and then', () => {
    const made = new Set<string>()
    for (const manifest of fc.sample(validSocketServer, { numRuns: 1_000, seed: 1 }))
      for (const path of pathsIn(manifest)) made.add(path)
    expect(spec.map(({ path }) => path).filter((path) => !made.has(path))).toEqual([])
  })

  test('has its section in the reference', () => {
    const reference = read('crds/REFERENCE.md')
    const missing = [...asked, ...reported].filter(({ path }) => !reference.includes(`\n### ${path}\n`))
    expect(missing.map(({ path }) => path)).toEqual([])
  })
})
