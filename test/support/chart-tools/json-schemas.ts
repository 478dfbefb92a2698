import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import { eventually } from '../eventually.ts'

type Schema = { readonly [key: string]: unknown }

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const REFERENCE = '#/definitions/'

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A schema of OpenAPI 2 as a closed JSON Schema. */
function closed(schema: unknown): unknown {
  if (!isObject(schema)) return schema
  const { type, format, properties, items, additionalProperties, ...rest } = schema
  const isOpen = additionalProperties !== undefined || rest['x-kubernetes-preserve-unknown-fields'] === true
  return {
    ...rest,
    ...(type === undefined || format === 'int-or-string' ? {} : { type }),
    ...(items === undefined ? {} : { items: closed(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: closed(additionalProperties) }),
    ...(isObject(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, closed(one)])) }
      : {}),
    ...(isObject(properties) && !isOpen ? { additionalProperties: false } : {}),
  }
}

/** The definitions that one needs, itself included. */
function needed(name: string, all: Readonly<Record<string, unknown>>, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(name)) return found
  found.add(name)
  for (const [, other = ''] of JSON.stringify(all[name]).matchAll(/"#\/definitions\/([^"]+)"/g))
    needed(other, all, found)
  return found
}

/**
 * Writes what an API server says of each of its kinds as a JSON Schema into a directory, as `GROUP_KIND_VERSION.json`, once it
 * knows the kinds that are named; resolves with the number of files.
 */
export async function writeSchemas(plane: ControlPlane, kinds: readonly string[], directory: string): Promise<number> {
  const definitions = await eventually(
    async () => {
      const { body } = await plane.admin.request('/openapi/v2')
      const all = (body as { definitions: Record<string, Schema> }).definitions
      const known = JSON.stringify(Object.values(all).map((one) => one['x-kubernetes-group-version-kind']))
      for (const kind of kinds) expect(known).toContain(`"kind":"${kind}"`)
      return all
    },
    { withinMs: 60_000, everyMs: 500 },
  )
  const all: Record<string, unknown> = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, closed(schema)]),
  )
  all[QUANTITY] = { anyOf: [{ type: 'string' }, { type: 'number' }] }
  let written = 0
  for (const [name, schema] of Object.entries(definitions)) {
    const own = (schema['x-kubernetes-group-version-kind'] ?? []) as { group: string; version: string; kind: string }[]
    const [kind] = own
    if (kind === undefined || own.length > 1) continue
    const closure = [...needed(name, all)].map((one) => [one, all[one]] as const)
    const file = `${kind.group || kind.version}_${kind.kind.toLowerCase()}_${kind.version}.json`
    await writeFile(
      join(directory, file),
      JSON.stringify({ $ref: `${REFERENCE}${name}`, definitions: Object.fromEntries(closure) }),
    )
    written += 1
  }
  return written
}
