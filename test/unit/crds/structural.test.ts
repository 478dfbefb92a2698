import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { listPatterns } from '../../../crds/catalogue.ts'
import { crdYaml } from '../../../crds/crd.ts'
import { listFields } from '../../../crds/index.ts'
import { asMapBy, asSet } from '../../../crds/rules.ts'
import { shapeOf } from '../../../crds/shape.ts'
import { structuralSchema } from '../../../crds/structural.ts'
import { repository } from '../../support/runtime.ts'

const text = () => z.string().max(10)
const print = (field: z.ZodType) => structuralSchema(shapeOf(z.strictObject({ field }), 'spec'), 'spec')

/** Pieces of the contract that an API server would refuse, or would take and not check: what they are, and where it is said to be. */
const REFUSED: readonly (readonly [what: string, field: z.ZodType, told: string])[] = [
  ['a discriminated union', z.discriminatedUnion('a', [z.strictObject({ a: z.literal('b') })]), 'spec.field: '],
  ['a union', z.union([text(), z.int().min(0).max(1)]), 'spec.field: '],
  ['an open object', z.object({ a: text() }), 'spec.field: '],
  ['an open object in a list', z.array(z.object({ a: text() })).max(2), 'spec.field[]: '],
  ['a recursive schema', z.lazy(() => text()), 'spec.field: '],
  ['a transform', text().transform((value) => value.length), 'spec.field: '],
  ['a refinement of a text', text().refine(() => true), 'spec.field: '],
  ['a refinement of an object', z.strictObject({ a: text() }).refine(() => true), 'spec.field: '],
  ['a refinement of a choice', z.enum(['a']).refine(() => true), 'spec.field: '],
  ['a text that is changed', text().trim(), 'spec.field: '],
  ['a format with a pattern of its own', z.email(), 'spec.field: '],
  ['a text without a maximum', z.string(), 'spec.field: '],
  ['a list without a maximum', z.array(text()), 'spec.field: '],
  ['an entry without a maximum', z.array(z.strictObject({ a: z.string() })).max(1), 'spec.field[].a: '],
  ['a number without bounds', z.int(), 'spec.field: '],
  ['a number that is no integer', z.number().min(0).max(1), 'spec.field: '],
  ['a number that is coerced', z.coerce.number().int().min(0).max(1), 'spec.field: '],
  ['a value of any form', z.unknown(), 'spec.field: '],
  ['a map with a pattern for its keys', z.record(z.string().regex(/^a$/), z.string()), 'spec.field: '],
  ['a map of objects', z.record(z.string(), z.strictObject({ a: text() })), 'spec.field: '],
  ['a date', z.date(), 'spec.field: '],
  ['a pattern without a name', text().regex(/^a+$/), 'the pattern ^a+$'],
  ['a set of objects', asSet(z.array(z.strictObject({ a: text() })).max(2)), 'spec.field: '],
  ['a key that its entries lack', asMapBy(z.array(z.strictObject({ a: text() })).max(2), 'b'), 'spec.field: '],
  [
    'a key that may be absent',
    asMapBy(z.array(z.strictObject({ a: text().optional() })).max(2), 'a'),
    'spec.field[].a: ',
  ],
  ['a default out of its bounds', z.int().min(5).max(6).default(1), 'spec.field: '],
  ['a default that is too long', text().default('much too long'), 'spec.field: '],
  ['a default that lacks a field', z.strictObject({ a: text() }).prefault({} as never), 'spec.field: '],
]

describe('a contract that cannot be structural', () => {
  test.each(REFUSED)('%s is refused, with its path', (_, field, told) => {
    expect(() => print(field)).toThrow(TypeError)
    expect(() => print(field)).toThrow(told)
  })

  test('what is near to it is taken', () => {
    expect(print(asMapBy(z.array(z.strictObject({ a: text().default('b') })).max(2), 'a').default([]))).toEqual({
      type: 'object',
      properties: {
        field: {
          type: 'array',
          maxItems: 2,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['a'],
          default: [],
          items: { type: 'object', properties: { a: { type: 'string', maxLength: 10, default: 'b' } } },
        },
      },
    })
  })
})

interface Crd {
  readonly spec: {
    readonly names: object
    readonly versions: readonly { readonly subresources: Readonly<Record<string, unknown>> }[]
  }
}

describe('the definition', () => {
  const crd = load(crdYaml()) as Crd

  test('is small enough for the annotation that kubectl apply writes', () => {
    expect(crdYaml().length).toBeLessThan(250_000)
    expect(JSON.stringify(crd).length).toBeLessThan(250_000)
  })

  test('has its short name, its category, its status, and a scale as soon as there are replicas', () => {
    expect(crd.spec.names).toMatchObject({ plural: 'socketservers', shortNames: ['ics'], categories: ['icshosts'] })
    const { status, scale } = crd.spec.versions[0]?.subresources ?? {}
    expect(status).toEqual({})
    const replicas = listFields().some(({ path }) => path === 'spec.replicas')
    expect(scale).toEqual(
      replicas
        ? {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          }
        : undefined,
    )
  })

  test('says each pattern of the contract as it is', () => {
    for (const { pattern } of listPatterns()) expect(JSON.stringify(crd)).toContain(JSON.stringify(pattern.source))
  })

  test('is what the command prints, and what lies in crds/', () => {
    const printed = execFileSync(process.execPath, ['sidecar/cli.ts', 'crd'], { cwd: repository, encoding: 'utf8' })
    expect(printed).toBe(crdYaml())
    expect(printed).toBe(readFileSync(`${repository}/crds/socketservers.yaml`, 'utf8'))
  })

  test('is the only thing to apply in its folder', () => {
    const manifests = readdirSync(`${repository}/crds`).filter((file) => /\.(ya?ml|json)$/.test(file))
    expect(manifests.sort()).toEqual(['socketserver.schema.json', 'socketservers.yaml'])
    // kubectl reads .json too, and applies what lies beside it once more. JSON Schema allows items no empty list.
    const schema: unknown = JSON.parse(readFileSync(`${repository}/crds/socketserver.schema.json`, 'utf8'))
    expect(schema).toMatchObject({ apiVersion: 'v1', kind: 'List' })
    expect((schema as { items: unknown }).items).toEqual([crd])
  })
})

test('generate --check is content with what lies in crds/, and generate knows no other word', () => {
  const run = (...words: string[]) =>
    spawnSync(process.execPath, ['crds/generate.ts', ...words], { cwd: repository, encoding: 'utf8' })
  expect(run('--check')).toMatchObject({ status: 0, stderr: '' })
  expect(run('--chekc')).toMatchObject({ status: 2, stderr: expect.stringContaining('--chekc') })
})
