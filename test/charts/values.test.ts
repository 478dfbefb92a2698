import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import { valueEntries } from '../../charts/value-comments.ts'
import { valuesSchema } from '../../charts/values.ts'
import { repository } from '../support/runtime.ts'

const chart = join(repository, 'charts', 'socketserver')
const text = readFileSync(join(chart, 'values.yaml'), 'utf8')
const values = load(text) as Record<string, unknown>
const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Node

interface Node {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: unknown
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

const templates = readdirSync(join(chart, 'templates'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(yaml|tpl|txt)$/.test(name))
  .map((name) => readFileSync(join(chart, 'templates', name), 'utf8'))
const used = new Set(
  templates.flatMap((one) => [...one.matchAll(/\.Values((?:\.\w+)+)/g)].map(([, path = '']) => path.slice(1))),
)
const entries = valueEntries(text)
const leaves = entries.filter(({ isGroup }) => !isGroup).map(({ path }) => path)

/** The paths of a schema at which values are given one by one. */
const schemaLeaves = (node: Node, path: string): string[] =>
  node.properties === undefined
    ? [path]
    : Object.entries(node.properties).flatMap(([key, one]) => schemaLeaves(one, path === '' ? key : `${path}.${key}`))

describe('the values of the chart', () => {
  test('are each used by a template', () => {
    expect(leaves.filter((path) => !used.has(path))).toEqual([])
  })

  test('are all there are: a template uses no other', () => {
    const known = new Set(entries.map(({ path }) => path))
    expect([...used].filter((path) => !known.has(path))).toEqual([])
    // A value taken by another way than its whole path would not be seen here.
    expect(templates.filter((one) => /\$?\.Values(?!\.\w)|index\s+\$?\.Values/.test(one))).toEqual([])
  })

  test('have a comment each, and are as charts/values.ts says', () => {
    const keys = (node: unknown, path: string): string[] =>
      leaves.includes(path) || typeof node !== 'object' || node === null
        ? [path]
        : Object.entries(node).flatMap(([key, inner]) => keys(inner, path === '' ? key : `${path}.${key}`))
    expect(keys(values, '').sort()).toEqual([...leaves].sort())
    expect(valuesSchema.parse(values)).toEqual(values)
  })

  test('are what the schema speaks of, and nothing else is', () => {
    const opaque = (path: string) => leaves.some((leaf) => path.startsWith(`${leaf}.`))
    const said = schemaLeaves(schema, '').map((path) =>
      opaque(path) ? (leaves.find((leaf) => path.startsWith(`${leaf}.`)) ?? path) : path,
    )
    expect([...new Set(said)].filter((path) => path !== 'global').sort()).toEqual([...leaves].sort())
  })

  test('are closed: every object says what may be in it', () => {
    const open = (node: Node, path: string): string[] => [
      ...(node.type === 'object' && path !== 'global' && node.additionalProperties === undefined ? [path] : []),
      ...(node.properties !== undefined && node.additionalProperties !== false ? [path] : []),
      ...Object.entries(node.properties ?? {}).flatMap(([key, one]) => open(one, path === '' ? key : `${path}.${key}`)),
      ...(node.items === undefined ? [] : open(node.items, `${path}[]`)),
      ...(node.anyOf ?? []).flatMap((one) => open(one, path)),
    ]
    expect(open(schema, '')).toEqual([])
  })
})

test('the versions of the chart are that of the package', () => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
  expect(load(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version })
})
